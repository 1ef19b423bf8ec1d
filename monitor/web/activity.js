// Two lists of the same make: fills and executions, the newest first, live at the top and older ones by pages below.
import { ask, reader } from './server.js';
import { byId, h, rows } from './dom.js';
import { counted, decimal, dollars, fractionLength, integer, isZero, time, untrusted } from './text.js';

const FIRST_ROWS = 12;
const PAGE = 50;
const MOST_AT_ONCE = 500;
const REREAD_MS = 1000;
const MARKED_MS = 8000;

const LISTS = {
  fills: {
    path: '/api/fills',
    id: (row) => row.trade_id,
    live: (state) => state.fills,
    amounts: { amount: (row) => row.amount, price: (row) => row.price_usdc, worth: (row) => row.usdc_amount },
    cells: (row) => [
      cell('when', 'Time', time(row.block_timestamp, { short: true })),
      cell('symbol', 'Symbol', h('a', { href: `#/trade/${row.trade_id}` }, untrusted(row.symbol))),
      cell('side', 'Side', side(row.direction)),
      cell('number amount', 'Shares', decimal(row.amount)),
      cell('number price', 'Price', dollars(row.price_usdc)),
      cell('number worth', 'USDC', dollars(row.usdc_amount)),
      cell('state', 'State', fillState(row)),
      cell('ids', 'Where', [h('span.block', integer(row.block_number)), h('a', { href: `#/event/${row.event_id}` }, `event ${row.event_id}`)]),
    ],
  },
  executions: {
    path: '/api/executions',
    id: (row) => row.id,
    live: (state) => state.executions.rows,
    amounts: { amount: (row) => row.shares, filled: (row) => row.filled_shares, price: (row) => row.average_price },
    cells: (row) => [
      cell('when', 'Time', time(row.created_at, { short: true })),
      cell('symbol', 'Symbol', h('a', { href: `#/execution/${row.id}` }, untrusted(row.symbol))),
      cell('side', 'Side', side(row.direction)),
      cell('number amount', 'Shares', decimal(row.shares)),
      cell('number filled', 'Filled', decimal(row.filled_shares)),
      cell('number price', 'Price', dollars(row.average_price)),
      cell('state', 'State', [h(`span.status.${row.status.toLowerCase().replace(/[^a-z]/g, '')}`, untrusted(row.status)),
        row.error && [' ', untrusted(row.error, 'error')]]),
      cell('ids', 'Order', row.order_id ? untrusted(row.order_id) : h('span.none', '–')),
    ],
  },
};

const cell = (kind, label, value) => h(`td.${kind.replaceAll(' ', '.')}`, { 'data-label': label }, value);
const side = (direction) => h(`span.side.${direction === 'BUY' ? 'buy' : 'sell'}`, untrusted(direction));

function fillState(row) {
  if (row.reverses_trade_id !== null) return ['takes back ', h('a', { href: `#/trade/${row.reverses_trade_id}` }, `trade ${row.reverses_trade_id}`)];
  if (row.reversed_by !== null) return ['taken back by ', h('a', { href: `#/trade/${row.reversed_by}` }, `trade ${row.reversed_by}`)];
  return isZero(row.unallocated) ? 'settled' : [decimal(row.unallocated), ' open'];
}

class List {
  constructor(name) {
    Object.assign(this, LISTS[name], { name, symbol: '', head: [], older: [], next: null, wanted: 0, visible: FIRST_ROWS, started: false });
    this.reader = reader(() => this.read(), REREAD_MS);
    this.body = byId(name);
    this.more = byId(`${name}-more`);
    this.more.addEventListener('click', () => this.showMore());
    this.body.addEventListener('click', follow);
  }

  // With a symbol chosen, the state's rows are only the sign to ask for those of the symbol.
  take(state) {
    const live = JSON.stringify(this.live(state));
    if (live === this.last) return;
    this.last = live;
    if (this.symbol === '') {
      this.head = [...this.live(state)].sort((a, b) => this.id(b) - this.id(a));
      if (this.wanted > 0) this.reader.soon();
      else this.next = this.newest().next_before;
      this.draw();
    } else {
      this.reader.soon();
    }
  }

  choose(symbol, state) {
    Object.assign(this, { symbol, head: [], older: [], next: null, wanted: 0, visible: FIRST_ROWS, started: false, last: '' });
    this.take(state);
    this.reader.now();
  }

  // Rows below the live ones can change, too (offset, reversed, ended), so they are read again, not kept.
  async read() {
    const asked = this.symbol;
    try {
      const newest = asked === '' ? this.newest() : await this.page(null, PAGE);
      const { older, next } = await this.olderThan(newest.next_before);
      if (asked !== this.symbol) return;
      if (asked !== '') this.head = newest.rows; // the state's own may be newer by now
      Object.assign(this, { older, next });
      this.failed('');
      this.draw();
    } catch (error) {
      this.failed(`Older rows could not be read: ${error.message}.`);
      this.reader.soon();
    }
  }

  // The state's rows as a page: open executions may be older than its newest ones.
  newest() {
    return { rows: this.head, next_before: this.head.length >= PAGE ? this.id(this.head[PAGE - 1]) : null };
  }

  // A page may hold fewer rows than it was asked for, or none, and yet not be the last.
  async olderThan(before) {
    const older = [];
    let next = before;
    while (next !== null && older.length < this.wanted) {
      const page = await this.page(next, Math.min(MOST_AT_ONCE, this.wanted - older.length));
      older.push(...page.rows);
      next = page.next_before;
    }
    return { older, next };
  }

  page(before, limit) {
    const query = new URLSearchParams({ limit });
    if (before !== null) query.set('before', before);
    if (this.symbol !== '') query.set('symbol', this.symbol);
    return ask(`${this.path}?${query}`);
  }

  rows() {
    const known = new Map(this.older.map((row) => [this.id(row), row]));
    for (const row of this.head) known.set(this.id(row), row);
    return [...known.values()].sort((a, b) => this.id(b) - this.id(a));
  }

  showMore() {
    const first = this.body.rows.length;
    this.visible = Math.max(this.visible + PAGE, PAGE);
    if (this.rows().length < this.visible && this.next !== null) {
      this.wanted += PAGE;
      this.toFocus = first;
      this.reader.now();
    } else {
      this.draw();
      this.body.rows[first]?.querySelector('a')?.focus();
    }
  }

  draw() {
    const known = this.rows();
    const shown = known.slice(0, this.visible);
    const table = this.body.closest('table');
    for (const [name, amount] of Object.entries(this.amounts))
      table.style.setProperty(`--${name}`, Math.max(0, ...shown.map((row) => fractionLength(amount(row)))));
    const above = this.body.rows[0]?.dataset.key;
    const fresh = rows(this.body, shown, this.id, this.cells);
    if (this.started) fresh.filter((row) => above !== undefined && Number(row.dataset.key) > Number(above)).forEach(mark);
    this.started = true;
    if (this.toFocus !== undefined) this.body.rows[this.toFocus]?.querySelector('a')?.focus();
    this.toFocus = undefined;
    this.more.hidden = known.length <= this.visible && this.next === null;
    byId(`${this.name}-empty`).hidden = known.length > 0;
    byId(`${this.name}-count`).textContent = known.length ? `newest ${counted(shown.length, 'row')}` : '';
  }

  failed(text) {
    byId(`${this.name}-failed`).textContent = text;
  }
}

// A row is as good as its link, unless some of it was just selected to be copied.
function follow(event) {
  if (event.target.closest('a') || !getSelection().isCollapsed) return;
  event.target.closest('tr')?.querySelector('.symbol a').click();
}

// New since the page was opened: marked for a while, without moving anything.
function mark(row) {
  row.classList.add('fresh');
  setTimeout(() => row.classList.remove('fresh'), MARKED_MS);
}

export function openActivity() {
  const lists = ['fills', 'executions'].map((name) => new List(name));
  return {
    show: ({ state }) => lists.forEach((list) => list.take(state)),
    choose: (symbol, state) => lists.forEach((list) => list.choose(symbol, state)),
    older: (name) => lists.find((list) => list.name === name).showMore(),
  };
}
