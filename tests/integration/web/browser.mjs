// A browser for the tests: reads a request a line from stdin ({ id, page, call, with }), answers each with a line. One browser,
// a context of its own for each page. What a page may not do is written down, and told when the page is closed.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import { chromium } from 'playwright-core';

const WAIT_MS = 20_000;
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const ARGUMENTS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync'];

const pages = new Map();
const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ARGUMENTS, headless: true });

async function open(name, { url, width = 1280, height = 900, scheme = 'light', motion = 'no-preference', origin }) {
  const context = await browser.newContext({ viewport: { width, height }, colorScheme: scheme, reducedMotion: motion });
  context.setDefaultTimeout(WAIT_MS);
  const wrongs = [];
  const page = await context.newPage();
  // The page's own report of what its Content-Security-Policy stopped: some of it never reaches the console.
  await page.addInitScript(() => {
    window.violations = [];
    document.addEventListener('securitypolicyviolation', (event) =>
      window.violations.push(`${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`));
  });
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) wrongs.push(`console: ${message.text()}`);
  });
  page.on('pageerror', (error) => wrongs.push(`script: ${error.message}`));
  page.on('dialog', (dialog) => {
    wrongs.push(`dialog: ${dialog.message()}`);
    dialog.dismiss();
  });
  page.on('request', (request) => {
    if (!request.url().startsWith(origin) && !request.url().startsWith('data:')) wrongs.push(`request: ${request.url()}`);
  });
  pages.set(name, { context, page, wrongs });
  await page.goto(url);
}

const calls = {
  evaluate: ({ page }, expression) => page.evaluate(expression),
  // True at a moment at which the page paints.
  wait: ({ page }, expression) => page.evaluate(({ text, most }) => new Promise((resolve, reject) => {
    const deadline = performance.now() + most;
    const look = () => {
      const node = document.querySelector(text.selector);
      const found = node && (text.exact ? node.textContent === text.contains : node.textContent.includes(text.contains));
      if (Boolean(found) !== text.absent) resolve();
      else if (performance.now() > deadline) reject(new Error(`${JSON.stringify(text)}: ${node ? node.textContent : 'no such element'}`));
      else requestAnimationFrame(look);
    };
    look();
  }), { text: expression, most: WAIT_MS }),
  press: ({ page }, key) => page.keyboard.press(key),
  click: ({ page }, selector) => page.click(selector),
  choose: ({ page }, { selector, value }) => page.selectOption(selector, value),
  back: ({ page }) => page.goBack(),
  axe: async ({ page }) => {
    await page.evaluate(AXE);
    const found = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }));
    return found.violations.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.slice(0, 3).map((node) =>
      `${node.html} ${node.failureSummary}`).join(' | ')}`);
  },
  screenshot: ({ page }, { path, full = false }) => page.screenshot({ path, fullPage: full }).then(() => null),
  close: async ({ page, context, wrongs }) => {
    const violations = await page.evaluate(() => window.violations);
    await context.close();
    return [...wrongs, ...violations.map((violation) => `policy: ${violation}`)];
  },
};

async function answer(line) {
  const request = JSON.parse(line);
  try {
    const result = request.call === 'open' ? await open(request.page, request.with) : await calls[request.call](pages.get(request.page), request.with);
    return { id: request.id, result: result ?? null };
  } catch (error) {
    return { id: request.id, error: String(error.message) };
  }
}

console.log(JSON.stringify({ id: 0, result: browser.version() }));
for await (const line of createInterface({ input: process.stdin })) console.log(JSON.stringify(await answer(line)));
await browser.close();
