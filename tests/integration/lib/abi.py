"""The contract ABI, as far as the tests need it, driven by the compiler's JSON: no type is written twice.

Values: int, bool, "0x..." or bytes for address and bytes, str, sequences for arrays, and for tuples a
sequence or a mapping by component name. Decoding gives int, "0x" lower-case hex, str, lists, and dicts for
tuples.
"""

import json
from pathlib import Path

WORD = 32


def _array_item(parameter: dict) -> dict | None:
    """The type of an array's items; None when it is no array. Only T[] is known."""
    if not parameter["type"].endswith("[]"):
        return None
    return {**parameter, "type": parameter["type"][:-2]}


def _is_dynamic(parameter: dict) -> bool:
    if parameter["type"] in ("bytes", "string") or _array_item(parameter):
        return True
    return any(map(_is_dynamic, parameter.get("components", ())))


def _head_size(parameter: dict) -> int:
    if parameter["type"] == "tuple" and not _is_dynamic(parameter):
        return sum(map(_head_size, parameter["components"]))
    return WORD


def _bytes(value) -> bytes:
    return value if isinstance(value, bytes) else bytes.fromhex(value.removeprefix("0x"))


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % WORD)


def _encode_one(parameter: dict, value) -> bytes:
    kind = parameter["type"]
    item = _array_item(parameter)
    if item:
        return len(value).to_bytes(WORD, "big") + encode([item] * len(value), value)
    if kind == "tuple":
        return encode(parameter["components"], value)
    if kind.startswith("uint"):
        if not 0 <= value < 1 << int(kind[4:]):
            raise ValueError(f"{value} is no {kind}")
        return int(value).to_bytes(WORD, "big")
    if kind.startswith("int"):
        if not -(1 << int(kind[3:]) - 1) <= value < 1 << int(kind[3:]) - 1:
            raise ValueError(f"{value} is no {kind}")
        return int(value).to_bytes(WORD, "big", signed=True)
    if kind == "bool":
        return int(bool(value)).to_bytes(WORD, "big")
    if kind == "address":
        return _bytes(value).rjust(WORD, b"\0")
    if kind == "string":
        value, kind = value.encode(), "bytes"
    if kind == "bytes":
        data = _bytes(value)
        return len(data).to_bytes(WORD, "big") + _padded(data)
    if kind.startswith("bytes"):
        return _bytes(value).ljust(WORD, b"\0")
    raise NotImplementedError(kind)


def encode(parameters: list[dict], values) -> bytes:
    """abi.encode(values): heads first, what is dynamic behind them."""
    if isinstance(values, dict):
        values = [values[parameter["name"]] for parameter in parameters]
    if len(parameters) != len(values):
        raise ValueError(f"{len(parameters)} values expected, got {len(values)}")
    heads, tails = b"", b""
    offset = sum(map(_head_size, parameters))
    for parameter, value in zip(parameters, values):
        data = _encode_one(parameter, value)
        if _is_dynamic(parameter):
            heads += (offset + len(tails)).to_bytes(WORD, "big")
            tails += data
        else:
            heads += data
    return heads + tails


def _decode_one(parameter: dict, data: bytes, at: int):
    kind = parameter["type"]
    item = _array_item(parameter)
    word = data[at : at + WORD]
    number = int.from_bytes(word, "big")
    if item:
        return _decode_many([item] * number, data, at + WORD)
    if kind == "tuple":
        values = _decode_many(parameter["components"], data, at)
        return dict(zip((component["name"] for component in parameter["components"]), values))
    if kind.startswith("uint"):
        return number
    if kind == "bool":
        return bool(number)
    if kind == "address":
        return "0x" + word[12:].hex()
    if kind in ("bytes", "string"):
        content = data[at + WORD : at + WORD + number]
        return content.decode() if kind == "string" else "0x" + content.hex()
    if kind.startswith("bytes"):
        return "0x" + word[: int(kind[5:])].hex()
    raise NotImplementedError(kind)


def _decode_many(parameters: list[dict], data: bytes, start: int) -> list:
    values, at = [], start
    for parameter in parameters:
        place = at
        if _is_dynamic(parameter):
            place = start + int.from_bytes(data[at : at + WORD], "big")
        values.append(_decode_one(parameter, data, place))
        at += _head_size(parameter)
    return values


def decode(parameters: list[dict], data) -> list:
    """The values of data that our own contracts produced; nothing is checked."""
    return _decode_many(parameters, _bytes(data), 0)


class Contract:
    """A compiled contract: what to send to create it and to call it, and what it answers and logs."""

    def __init__(self, artifact: Path):
        content = json.loads(Path(artifact).read_text())
        self._bytecode = content["bytecode"]
        self._selectors = {
            signature.partition("(")[0]: selector
            for signature, selector in content["methodIdentifiers"].items()
        }
        self._abi = {(entry["type"], entry.get("name")): entry for entry in content["abi"]}

    def creation(self, *values) -> str:
        """The data of the transaction that creates it."""
        constructor = self._abi.get(("constructor", None), {"inputs": []})
        return self._bytecode + encode(constructor["inputs"], values).hex()

    def call(self, function: str, *values) -> str:
        """The data of a call."""
        inputs = self._abi["function", function]["inputs"]
        return "0x" + self._selectors[function] + encode(inputs, values).hex()

    def result(self, function: str, data: str) -> list:
        """What a call returned."""
        return decode(self._abi["function", function]["outputs"], data)

    def encode_event(self, event: str, *values) -> bytes:
        """The data of an event none of whose fields is indexed."""
        return encode(self._abi["event", event]["inputs"], values)

    def decode_event(self, event: str, data: str) -> dict:
        """The fields of such an event by name."""
        inputs = self._abi["event", event]["inputs"]
        return dict(zip((parameter["name"] for parameter in inputs), decode(inputs, data)))

    def event_signature(self, event: str) -> str:
        """The text whose keccak-256 is the event's topic: "Transfer(address,address,uint256)"."""
        return event + _canonical_tuple(self._abi["event", event]["inputs"])


def _canonical_tuple(parameters: list[dict]) -> str:
    return f"({','.join(map(_canonical, parameters))})"


def _canonical(parameter: dict) -> str:
    kind = parameter["type"]
    if not kind.startswith("tuple"):
        return kind
    return _canonical_tuple(parameter["components"]) + kind.removeprefix("tuple")
