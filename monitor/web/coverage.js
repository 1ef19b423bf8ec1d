// Which blocks are proven, as two strips: all of the ledger's blocks, and the last few hundred. A gap is never too small to see.
import { byId, h, show, svg } from './dom.js';
import { counted, geometry, integer, none, span, time, untrusted } from './text.js';

const LEAST_GAP_PIXELS = 4;
const RECENT_BLOCKS = 600;

export function showCoverage({ state }) {
  const { coverage, listener, now } = state;
  const first = coverage.first_block;
  const last = Math.max(first, coverage.head ?? 0, coverage.highest ?? 0);
  const recent = Math.max(first, last - RECENT_BLOCKS + 1);
  const cutoff = listener.open ? listener.session.cutoff_block : null;
  strip(byId('strip-all'), coverage, first, last, cutoff);
  strip(byId('strip-recent'), coverage, recent, last, cutoff);
  show(byId('strip-all-ends'), [first, last], () => ends(first, last));
  show(byId('strip-recent-ends'), [recent, last], () => ends(recent, last));
  show(byId('gaps'), [coverage.gaps, coverage.missing], () => gapList(coverage));
  const facts = byId('coverage-facts');
  show(facts, [coverage, listener, Math.floor(Date.parse(now) / 1000)], () => [
    fact('Head', integer(coverage.head)),
    fact('Proven without gap to', integer(coverage.contiguous_to)),
    fact('Highest proven', integer(coverage.highest)),
    fact('Missing', integer(coverage.missing), coverage.missing > 0 ? 'bad' : ''),
    listener.session && [
      fact(listener.open ? 'Session' : 'Last session', [`${listener.session.id}, since `, time(listener.session.started_at, { short: true })]),
      fact('Its cutoff block', [integer(listener.session.cutoff_block), ` (${printableSource(listener.session.cutoff_source)})`]),
      fact('It has heard of', integer(listener.session.last_block)),
      !listener.open && fact('Ended', [time(listener.session.ended_at, { short: true }), ' ',
        listener.session.end_reason ? untrusted(listener.session.end_reason) : 'its listener is gone'], 'bad'),
    ],
    !listener.session && fact('Listener', 'never at work here', 'bad'),
  ]);
}

const fact = (name, value, kind = '') => h('div', { class: kind || null }, h('dt', name), h('dd', value));
const printableSource = (source) => (source === 'first_event' ? 'first event' : source === 'block_number' ? 'block number' : source);
const ends = (first, last) => [h('span', integer(first)), h('span', integer(last))];

function gapList(coverage) {
  if (!coverage.gaps.length) return coverage.highest === null ? 'No block is covered yet.' : 'No gap.';
  const shown = [...coverage.gaps].sort((a, b) => b.first_block - a.first_block).slice(0, 4);
  const more = coverage.gaps.length - shown.length;
  return [h('strong', counted(coverage.missing, 'block'), ' missing: '), shown.map((gap, index) => [
    index > 0 && ', ', gap.first_block === gap.last_block ? integer(gap.first_block)
      : [integer(gap.first_block), ' to ', integer(gap.last_block)]]), more > 0 && `, and ${counted(more, 'older gap')}`];
}

// Painted: covered ranges, then gaps over them, widened to what an eye can see, then where the session begins.
function strip(place, coverage, first, last, cutoff) {
  const width = Math.max(1, Math.round(place.clientWidth));
  show(place, [coverage, first, last, cutoff, width], () => {
    const at = (block) => ((geometry(block) - first) * width) / (last - first + 1);
    const bar = (kind, from, to, least) => {
      if (to < first || from > last) return null;
      const left = at(Math.max(from, first));
      const size = Math.max(at(Math.min(to, last) + 1) - left, least);
      return svg(`rect.${kind}`, { x: Math.min(left, width - size).toFixed(2), width: size.toFixed(2), y: 0, height: 18 });
    };
    place.setAttribute('viewBox', `0 0 ${width} 18`);
    return [
      coverage.ranges.map((range) => bar('covered', range.first_block, range.last_block, 1)),
      coverage.highest !== null && coverage.highest < last && bar('ahead', coverage.highest + 1, last, 1),
      coverage.gaps.map((gap) => bar('gap', gap.first_block, gap.last_block, LEAST_GAP_PIXELS)),
      cutoff !== null && cutoff >= first && cutoff <= last
        && svg('line.cutoff', { x1: at(cutoff).toFixed(2), x2: at(cutoff).toFixed(2), y1: 0, y2: 18 }),
    ];
  });
  place.setAttribute('aria-label', `Blocks ${first} to ${last}: ${coverage.missing > 0 ? `${coverage.missing} missing` : 'no gap'}`);
}
