// One fill followed through the tables, forwards and backwards: #/event/1, #/trade/12, #/execution/3 (or without the first slash). The fragment says what is
// open, so that a trace can be linked and Back works.
import { ask, reader } from './server.js';
import { byId, h, show } from './dom.js';
import { counted, decimal, dollars, fractionLength, integer, isZero, milliseconds, time, untrusted } from './text.js';

const FRAGMENT = /^#\/?((?:event|trade|execution)\/\d{1,19})$/;
const REREAD_MS = 1000;
const TABLE_MOST = 500;

export function openTrace() {
  const dialog = byId('trace');
  const trace = { dialog, asked: '', cameFrom: null, deep: false };
  trace.reader = reader(() => read(trace), REREAD_MS);
  const follow = () => {
    const wanted = FRAGMENT.exec(location.hash)?.[1] ?? '';
    if (wanted === trace.asked) return;
    if (trace.asked === '') trace.cameFrom = document.activeElement;
    trace.asked = wanted;
    if (wanted === '') return close(trace);
    byId('trace-title').textContent = wanted.replace('/', ' ');
    show(byId('trace-body'), ['reading', wanted], () => h('p.note', 'Reading …'));
    if (!dialog.open) dialog.showModal();
    byId('trace-body').scrollTop = 0;
    byId('trace-title').focus();
    trace.reader.now();
    return undefined;
  };
  window.addEventListener('hashchange', follow);
  dialog.addEventListener('close', () => {
    if (trace.asked !== '') leave();
  });
  byId('trace-close').addEventListener('click', () => dialog.close());
  dialog.addEventListener('click', (event) => event.target === dialog && dialog.close());
  follow();
  return { show: () => trace.asked !== '' && trace.reader.soon() };
}

// Leaves the fragment without a further entry to go Back through.
function leave() {
  history.replaceState(null, '', location.pathname + location.search);
  window.dispatchEvent(new HashChangeEvent('hashchange'));
}

function close(trace) {
  if (trace.dialog.open) trace.dialog.close();
  if (trace.cameFrom?.isConnected) trace.cameFrom.focus();
  trace.cameFrom = null;
}

async function read(trace) {
  const { asked } = trace;
  if (asked === '') return;
  const [kind, id] = asked.split('/');
  try {
    const answer = await ask(`/api/trace/${asked}`);
    if (asked === trace.asked) show(byId('trace-body'), answer, (found) => story(found, kind, Number(id)));
  } catch (error) {
    if (asked === trace.asked) show(byId('trace-body'), String(error.message), () => h('p.note.bad', { role: 'alert' },
      error.status === 404 ? `There is no ${kind} ${id} in this database.` : `It could not be read: ${error.message}.`));
    if (error.status !== 404) trace.reader.soon();
  }
}

function story({ event, trades, executions, decisions }, kind, id) {
  const here = (what, number) => what === kind && number === id;
  const ofTrades = [
    trades.map((trade) => station('Trade', tradeFacts(trade), here('trade', trade.trade_id))),
    !trades.length && h('p.note', kind === 'execution' ? 'It hedges no trade any more.' : 'No trade came of it.'),
  ];
  const ofExecutions = [
    executions.map((execution) => [
      station('Execution', executionFacts(execution, decisions.filter((one) => one.execution_id === execution.id)), here('execution', execution.id)),
      station('Broker order', [orderFacts(execution)], false)]),
    !executions.length && h('p.note', 'No execution: nothing of it was sent to a broker.'),
  ];
  return [
    timeline(event, kind === 'execution' ? [] : trades, executions),
    event && station('Event', [eventFacts(event)], here('event', event.id)),
    !event && kind === 'trade' && h('p.note', 'Its event is not there any more.'),
    kind === 'execution' ? [ofExecutions, ofTrades] : [ofTrades, ofExecutions],
    (trades.length >= TABLE_MOST || executions.length >= TABLE_MOST) && h('p.note', `Only the first ${TABLE_MOST} are shown.`),
  ];
}

const station = (name, content, current) => h('section.station', { 'aria-current': current ? 'true' : null }, h('h3', name), content);
const link = (kind, id) => h('a', { href: `#/${kind}/${id}` }, `${kind} ${id}`);
const known = (value) => value !== null && value !== undefined;
const hash = (text) => (text === null ? '–' : h('span.hash', untrusted(text)));
const facts = (...pairs) => h('dl.facts', pairs.filter(Boolean).map(([name, value]) => h('div', h('dt', name), h('dd', value ?? '–'))));

// Amounts below each other, point below point.
function sum(caption, lines) {
  const table = h('table.sum', h('caption', caption), h('tbody',
    lines.map(([amount, ...what]) => h('tr', h('td.number', decimal(amount)), h('td', what)))));
  table.style.setProperty('--fraction', Math.max(0, ...lines.map(([amount]) => fractionLength(amount))));
  return table;
}

function eventFacts(event) {
  return facts(['Event', link('event', event.id)], ['Type', untrusted(event.event_type)], ['Block', integer(event.block_number)],
    ['Log index', integer(event.log_index)], ['Transaction', hash(event.tx_hash)], ['Block hash', hash(event.block_hash)],
    ['Block time', time(event.block_timestamp)], ['Found by', untrusted(event.source)],
    ['In the chain', event.removed ? h('strong.bad', 'no: its block left the chain') : event.confirmed ? 'yes, confirmed by a verified read' : 'not confirmed yet'],
    ['Outcome', event.processed ? untrusted(event.outcome) : 'waits for the processor'],
    event.error !== null && ['Reason', untrusted(event.error, 'bad')], ['Queued', time(event.created_at)], ['Processed', time(event.processed_at)],
    event.archived_at && ['Archived', time(event.archived_at)]);
}

// The shares add up: what was filled is what cancelled, what went to executions and what is still open.
function tradeFacts(trade) {
  return [
    facts(['Trade', link('trade', trade.trade_id)], ['Event', link('event', trade.event_id)],
      ['Symbol', [untrusted(trade.symbol), ' → ', untrusted(trade.base_symbol)]], ['Side', untrusted(trade.direction)],
      ['USDC', dollars(trade.usdc_amount)], ['Price', dollars(trade.price_usdc)],
      known(trade.token_amount) && ['Wrapped tokens', decimal(trade.token_amount)],
      known(trade.oracle_price) && ['Price the order read', dollars(trade.oracle_price)],
      known(trade.oracle_confidence) && ['Its confidence, ±', dollars(trade.oracle_confidence)],
      known(trade.oracle_published_at) && ['Published', time(trade.oracle_published_at)],
      known(trade.spread_usdc) && ['Earned against it', dollars(trade.spread_usdc)],
      known(trade.gas_used) && ['Gas of the transaction', [integer(trade.gas_used), ' at ', integer(trade.gas_price_wei), ' wei']],
      known(trade.l1_fee_wei) && ['Its L1 fee', [integer(trade.l1_fee_wei), ' wei']],
      ['Block', integer(trade.block_number)], ['Time', time(trade.block_timestamp)], ['Transaction', hash(trade.tx_hash)],
      trade.reverses_trade_id !== null && ['Takes back', link('trade', trade.reverses_trade_id)],
      trade.reversed_by !== null && ['Taken back by', link('trade', trade.reversed_by)]),
    sum('Where its shares went', [[trade.amount, h('strong', 'filled on chain')],
      ...trade.offsets.map((offset) => [offset.shares, 'cancelled against ', link('trade', offset.trade_id)]),
      ...trade.contributions.map((part) => [part.contributed_shares, 'hedged by ', link('execution', part.execution_id)]),
      [trade.unallocated, isZero(trade.unallocated) ? 'still open' : h('strong', 'still open')]]),
  ];
}

function executionFacts(execution, decisions) {
  return [
    facts(['Execution', link('execution', execution.id)], ['Symbol', untrusted(execution.symbol)], ['Side', untrusted(execution.direction)],
      ['Status', h('strong', untrusted(execution.status))], ['Shares wanted', decimal(execution.shares)],
      execution.error !== null && ['Reason', untrusted(execution.error, 'bad')], ['Planned', time(execution.created_at)]),
    execution.contributions.length > 0 && sum('Which trades it hedges',
      execution.contributions.map((part) => [part.contributed_shares, 'of ', link('trade', part.trade_id)])),
    decisions.length > 0 && [h('p.note', counted(decisions.length, 'decision'), ' of a person:'), h('ul.decisions', decisions.map((one) =>
      h('li', time(one.decided_at), ' ', untrusted(one.decision), ': ', untrusted(one.reason))))],
  ];
}

function orderFacts(execution) {
  if (execution.client_order_id === null) return h('p.note', 'Nothing has left for a broker yet.');
  return facts(['Broker', execution.broker === null ? '–' : untrusted(execution.broker)],
    ['Order', execution.order_id === null ? 'not known' : h('span.hash', untrusted(execution.order_id))],
    ['Our order id', h('span.hash', untrusted(execution.client_order_id))], ['Asked for', decimal(execution.order_shares)],
    ['Accepted', decimal(execution.accepted_shares)], ['Filled', decimal(execution.filled_shares)],
    ['Average price', dollars(execution.average_price)], ['Sent', time(execution.submitted_at)], ['Ended', time(execution.executed_at)]);
}

// The moments of its life in their order, each with what passed since the one before.
function timeline(event, trades, executions) {
  const moments = [[event?.block_timestamp ?? trades[0]?.block_timestamp, 'block'], [event?.created_at, 'queued'],
    [event?.processed_at, 'processed'],
    ...executions.flatMap((one) => [[one.created_at, `execution ${one.id} planned`], [one.submitted_at, `execution ${one.id} sent`],
      [one.executed_at, `execution ${one.id} ended`]])]
    .filter(([at]) => at && Number.isFinite(Date.parse(at)));
  moments.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return moments.length > 1 && h('ol.timeline', { 'aria-label': 'In the order of time' }, moments.slice(0, 12).map(([at, name], index) =>
    h('li', h('span.moment', name), h('span.took', index > 0 ? `+${milliseconds(Date.parse(at) - Date.parse(moments[index - 1][0]))}` : time(at, { short: true })))));
}
