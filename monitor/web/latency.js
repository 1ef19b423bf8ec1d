// How long each stage takes, from the block to the broker. The bars share one logarithmic scale: a tenfold is a step.
import { byId, h, rows, svg } from './dom.js';
import { milliseconds, untrusted } from './text.js';

const COLUMNS = { p50_ms: 'Middle', p90_ms: '90 %', p99_ms: '99 %', max_ms: 'Slowest' };

export function showLatency({ state }) {
  const { latency } = state;
  const most = Math.max(1, ...latency.map((row) => row.max_ms ?? 0));
  rows(byId('latency'), latency.map((row) => ({ ...row, most })), (row) => row.stage, (row) => [
    h('th', { scope: 'row' }, untrusted(row.stage)),
    h('td.number', String(row.count)),
    ...Object.entries(COLUMNS).map(([name, label]) => h('td.number', { 'data-label': label }, milliseconds(row[name]))),
    h('td.scale', row.count > 0 && bar(row)),
  ]);
  byId('latency-empty').hidden = latency.some((row) => row.count > 0);
}

// A thin line from the middle to the slowest, thick up to the 90th percentile, a dot in the middle.
function bar({ p50_ms: middle, p90_ms: usual, max_ms: slowest, most }) {
  const at = (value) => 4 + (192 * Math.log10(1 + Math.max(0, value ?? 0))) / Math.log10(1 + most);
  const line = (kind, from, to, height) => svg(`rect.${kind}`,
    { x: at(from).toFixed(2), y: 6 - height / 2, width: Math.max(1, at(to) - at(from)).toFixed(2), height });
  return svg('svg', { viewBox: '0 0 200 12', preserveAspectRatio: 'xMinYMid meet', 'aria-hidden': 'true' }, svg('rect.track', { x: 0, y: 5.5, width: 200, height: 1 }),
    line('slow', middle, slowest, 2), line('usual', middle, usual, 6), svg('circle.middle', { cx: at(middle).toFixed(2), cy: 6, r: 4 }));
}
