"""A real browser, driven by web/browser.mjs: pages that are looked at, typed into, and checked for what they may not do."""

import itertools
import json
import subprocess
from urllib.parse import urlsplit

from .anvil import ROOT
from .process import die_with_parent

DRIVER = ROOT / "tests/integration/web/browser.mjs"


class Browser:
    """One browser for many pages; each has a context, and so a storage, of its own."""

    def __init__(self):
        self._process = subprocess.Popen(["node", DRIVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT,
                                         preexec_fn=die_with_parent)
        self._names = itertools.count(1)
        self._requests = itertools.count(1)
        self.version = self._answer(0)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.stdin.close()
        self._process.wait(20)

    def open(self, url: str, **options) -> "Page":
        """options: width, height, scheme (light, dark), motion (reduce)."""
        page = Page(self, next(self._names))
        parts = urlsplit(url)
        page.call("open", {"url": url, "origin": f"{parts.scheme}://{parts.netloc}/"} | options)
        return page

    def call(self, page: int, call: str, argument=None):
        number = next(self._requests)
        self._process.stdin.write(json.dumps({"id": number, "page": page, "call": call, "with": argument}) + "\n")
        self._process.stdin.flush()
        return self._answer(number)

    def _answer(self, number: int):
        line = self._process.stdout.readline()
        assert line, "the browser's driver ended; see its stderr above"
        answer = json.loads(line)
        assert answer["id"] == number
        assert "error" not in answer, answer["error"]
        return answer["result"]


class Page:
    def __init__(self, browser: Browser, name: int):
        self._browser, self._name = browser, name

    def call(self, call: str, argument=None):
        return self._browser.call(self._name, call, argument)

    def evaluate(self, expression: str):
        """The value of an expression of JavaScript."""
        return self.call("evaluate", expression)

    def wait(self, selector: str, contains: str = "", exact: bool = False, absent: bool = False) -> None:
        """Until there is (absent: is not) an element whose text contains, or is, this one."""
        self.call("wait", {"selector": selector, "contains": contains, "exact": exact, "absent": absent})

    def text(self, selector: str) -> str:
        return self.evaluate(f"document.querySelector({json.dumps(selector)}).textContent")

    def texts(self, selector: str) -> list[str]:
        return self.evaluate(f"[...document.querySelectorAll({json.dumps(selector)})].map((one) => one.textContent)")

    def visible(self, selector: str) -> bool:
        return self.evaluate(f"document.querySelector({json.dumps(selector)}).checkVisibility()")

    def press(self, *keys: str) -> None:
        for key in keys:
            self.call("press", key)

    def focused(self, what: str = "textContent.trim()") -> str:
        return self.evaluate(f"document.activeElement.{what}")

    def click(self, selector: str) -> None:
        self.call("click", selector)

    def choose(self, selector: str, value: str) -> None:
        self.call("choose", {"selector": selector, "value": value})

    def back(self) -> None:
        self.call("back")

    def violations(self) -> list[str]:
        """What axe-core finds wrong with the page as it is."""
        return self.call("axe")

    def screenshot(self, path, full: bool = False) -> None:
        self.call("screenshot", {"path": str(path), "full": full})

    def close(self) -> list[str]:
        """What the page did that it may not: errors, requests to others, breaches of its policy."""
        return self.call("close")
