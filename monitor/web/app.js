// The page of `monitor`: takes each state as it comes and lets every part show its share of it.
import { follow } from './server.js';
import { byId, h, show } from './dom.js';
import { printable } from './text.js';
import { setText, showAge, showVerdict } from './verdict.js';
import { showOverview } from './overview.js';
import { showCoverage } from './coverage.js';
import { showPositions } from './positions.js';
import { showLatency } from './latency.js';
import { openActivity } from './activity.js';
import { openProfit } from './profit.js';
import { openTrace } from './trace.js';
import { openKeys } from './keys.js';

const page = {
  state: null,
  unavailable: null, // why the database cannot be read; null while it can
  lost: false,
  fault: null, // why the page itself failed
  heardAt: 0,
  symbol: '',
  // The server's clock, carried on by this machine's: theirs may differ.
  now: () => Date.parse(page.state.now) + (page.lost || page.unavailable !== null ? 0 : page.age()),
  age: () => performance.now() - page.heardAt,
  chooseSymbol,
};

measureDigits();
const activity = openActivity();
const profit = openProfit();
const trace = openTrace();
openKeys({ older: (name) => activity.older(name), themeChanged: () => profit.redraw() });
byId('symbol').addEventListener('change', (event) => chooseSymbol(event.target.value));
new ResizeObserver(() => page.state && showCoverage(page)).observe(byId('strip-all'));
setInterval(() => showAge(page), 1000);
follow(hear);
showVerdict(page);

// In em, for app.css to put decimal points below each other.
function measureDigits() {
  for (const [name, character] of [['--digit', '0'], ['--point', '.']]) {
    const probe = h('span.probe', character.repeat(100));
    document.body.append(probe);
    document.documentElement.style.setProperty(name, `${probe.getBoundingClientRect().width / 10000}em`);
    probe.remove();
  }
}

function hear({ state, unavailable, lost }) {
  page.lost = lost === true;
  page.unavailable = unavailable ?? (lost ? page.unavailable : null);
  if (state) showState(state);
  showVerdict(page);
  showAge(page);
}

// A part that fails must not leave old numbers under a verdict that says all is well.
function showState(state) {
  page.state = state;
  page.heardAt = performance.now();
  page.fault = null;
  try {
    showIdentity(state);
    showSymbols(state);
    for (const part of [showOverview, showCoverage, showPositions, showLatency, activity.show, profit.show, trace.show]) part(page);
    document.documentElement.dataset.started = 'yes';
  } catch (error) {
    page.fault = error.message;
  }
}

function showIdentity({ database, ledger, version }) {
  show(byId('ledger'), [database, ledger], () => [h('span', printable(database)),
    ledger.chain_id !== null && h('span', `chain ${printable(ledger.chain_id)}`),
    ledger.orderbook !== null && h('span.hash', `orderbook ${printable(ledger.orderbook)}`),
    ledger.order_owner !== null && h('span.hash', `owner ${printable(ledger.order_owner)}`)]);
  page.version ??= version;
  byId('updated').hidden = page.version === version;
  setText(byId('version'), `Ballast ${printable(version)}`);
}

function showSymbols({ positions, pnl }) {
  const known = [...new Set([...positions.map((row) => row.symbol), ...(pnl?.symbols ?? []).map((row) => row.symbol),
    ...(page.symbol ? [page.symbol] : [])])].sort();
  show(byId('symbol'), known, () => [h('option', { value: '' }, 'All tickers'),
    ...known.map((symbol) => h('option', { value: symbol }, printable(symbol)))]);
  byId('symbol').value = page.symbol;
}

function chooseSymbol(symbol) {
  page.symbol = symbol;
  byId('symbol').value = symbol;
  document.documentElement.dataset.filtered = symbol ? 'yes' : 'no';
  for (const chip of document.querySelectorAll('.chosen')) setText(chip, symbol ? printable(symbol) : '');
  profit.choose(symbol);
  if (page.state) activity.choose(symbol, page.state);
}
