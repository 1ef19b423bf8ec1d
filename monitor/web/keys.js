// Keyboard and theme. Single-letter shortcuts can be turned off: speech input types letters.
import { byId, h } from './dom.js';

const THEMES = ['auto', 'light', 'dark'];

const SHORTCUTS = [
  ['?', 'this list'], ['1 … 7', 'go to a part of the page, from what needs you to latency'], ['s', 'choose a ticker'],
  ['o', 'older rows of the list you are in, or else older fills'], ['t', 'theme: as the system, light, dark'],
  ['↑ ↓', 'from row to row in a list'], ['Enter', 'follow the fill or execution'],
  ['← → Home End', 'along the curve of profit, when it has the focus'], ['Esc', 'close what is open'],
];
const PARTS = ['top', 'coverage-part', 'positions-part', 'profit-part', 'fills-part', 'executions-part', 'latency-part'];

export function openKeys({ older, themeChanged }) {
  const help = byId('help');
  byId('shortcuts').append(...SHORTCUTS.flatMap(([keys, what]) => [h('dt', keys.split(' ').map((key, index) =>
    [index > 0 && ' ', key === '…' ? key : h('kbd', key)])), h('dd', what)]));
  byId('help-open').addEventListener('click', () => help.showModal());
  byId('help-close').addEventListener('click', () => help.close());
  help.addEventListener('click', (event) => event.target === help && help.close());
  const letters = byId('letters');
  letters.checked = recall('letters') !== 'off';
  letters.addEventListener('change', () => remember('letters', letters.checked ? 'on' : 'off'));
  const nextTheme = () => setTheme(THEMES[(THEMES.indexOf(theme()) + 1) % THEMES.length], themeChanged);
  byId('theme').addEventListener('click', nextTheme);
  setTheme(theme(), () => {});
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', themeChanged);

  document.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.defaultPrevented) return;
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') moveRow(event);
    if (!letters.checked || event.target.closest('input, select, textarea, dialog[open]')) return;
    const action = {
      '?': () => help.showModal(), t: nextTheme, s: () => byId('symbol').focus(),
      o: () => older(document.activeElement.closest('#executions-part') ? 'executions' : 'fills'),
    }[event.key] ?? (/^[1-7]$/.test(event.key) ? () => goTo(PARTS[event.key - 1]) : null);
    if (!action) return;
    event.preventDefault();
    action();
  });
}

// The heading takes the focus, so that Tab goes on from there.
function goTo(id) {
  const part = byId(id);
  part.scrollIntoView({ block: 'start', behavior: matchMedia('(prefers-reduced-motion: reduce)').matches ? 'auto' : 'smooth' });
  part.querySelector('h1, h2').focus({ preventScroll: true });
}

function moveRow(event) {
  const row = event.target.closest('tbody tr');
  const other = event.key === 'ArrowDown' ? row?.nextElementSibling : row?.previousElementSibling;
  const target = other?.querySelector('a, button');
  if (!target) return;
  event.preventDefault();
  target.focus();
}

const theme = () => (THEMES.includes(recall('theme')) ? recall('theme') : 'auto');

function setTheme(name, changed) {
  if (name === 'auto') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = name;
  remember('theme', name);
  byId('theme').setAttribute('aria-label', `Theme: ${name}`);
  byId('theme-name').textContent = name;
  changed();
}

// Without storage (a private window) the page works, and forgets.
function recall(name) {
  try {
    return localStorage.getItem(`ballast-${name}`);
  } catch {
    return null;
  }
}

function remember(name, value) {
  try {
    localStorage.setItem(`ballast-${name}`, value);
  } catch {
    // nothing depends on it
  }
}
