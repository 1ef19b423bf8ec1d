// What is not hedged, a row for each ticker, and how far it is from the next hedge.
import { byId, h, rows, svg } from './dom.js';
import { compare, decimal, fractionLength, geometry, integer, isZero, magnitude, time, untrusted } from './text.js';

const FEW = 12;
let all = false;

export function showPositions(page) {
  const { positions } = page.state;
  const shown = all || positions.length <= FEW ? positions : widest(positions);
  const body = byId('positions');
  const more = byId('positions-more');
  body.closest('table').style.setProperty('--fraction', Math.max(0, ...shown.map((row) => fractionLength(row.net_position))));
  rows(body, shown, (row) => row.symbol, (row) => [
    h('th', { scope: 'row' }, h('button.symbol', { type: 'button', onclick: () => page.chooseSymbol(row.symbol),
      title: 'Show only this ticker below' }, untrusted(row.symbol))),
    h('td.number', decimal(row.net_position, { sign: true })),
    h('td.scale', bar(row)),
    h('td.next', next(row)),
    h('td.when', time(row.last_updated, { short: true })),
  ]);
  byId('positions-empty').hidden = positions.length > 0;
  more.hidden = positions.length <= FEW;
  more.textContent = all ? 'Show the widest only' : `Show all ${positions.length}`;
  more.onclick = () => {
    all = !all;
    showPositions(page);
  };
}

function widest(positions) {
  const byWidth = [...positions].sort((a, b) => (b.pending_execution_id !== null) - (a.pending_execution_id !== null)
    || compare(magnitude(b.net_position), magnitude(a.net_position)));
  const chosen = new Set(byWidth.slice(0, FEW));
  return positions.filter((row) => chosen.has(row));
}

function next(row) {
  if (row.pending_execution_id !== null)
    return h('a.pending', { href: `#/execution/${row.pending_execution_id}` }, 'execution ', integer(row.pending_execution_id));
  if (row.to_next_hedge === null) return h('span.none', '–');
  return isZero(row.to_next_hedge) ? h('strong.due', 'due now') : [h('span.after', 'in '), decimal(row.to_next_hedge)];
}

// Zero in the middle, the threshold at both ends: short grows to the left, long to the right.
function bar(row) {
  const threshold = geometry(row.threshold);
  const share = threshold > 0 ? Math.min(1, geometry(magnitude(row.net_position)) / threshold) : 1;
  const short = row.net_position.startsWith('-');
  const width = share > 0 ? Math.max(1, share * 98) : 0;
  return svg('svg', { viewBox: '0 0 200 12', preserveAspectRatio: 'none', 'aria-hidden': 'true' },
    svg('rect.track', { x: 0, y: 4, width: 200, height: 4, rx: 2 }),
    svg(`rect.${short ? 'short' : 'long'}${share >= 1 ? '.full' : ''}`,
      { x: (short ? 100 - width : 100).toFixed(2), y: 2, width: width.toFixed(2), height: 8 }),
    svg('rect.limit', { x: 0, y: 0, width: 1.5, height: 12 }), svg('rect.zero', { x: 99.25, y: 0, width: 1.5, height: 12 }),
    svg('rect.limit', { x: 198.5, y: 0, width: 1.5, height: 12 }));
}
