// The five questions of a glance, each answered in a few words: alive, complete, neutral, earned, waiting.
import { byId, h, show } from './dom.js';
import { compare, counted, decimal, dollars, integer, isZero, magnitude, span, untrusted } from './text.js';

export function showOverview({ state }) {
  const { listener, coverage, events, executions, positions, pnl, login, problems, now } = state;
  const absent = problems.filter(({ name }) => name.endsWith('_absent')).map(({ name }) => name.replace('_absent', ''));
  const silent = problems.some(({ name }) => name === 'listener_silent');
  answer('alive', absent.length || silent ? 'bad' : listener.open ? 'good' : 'plain',
    { listener, absent, silent, login, age: seconds(listener.session?.started_at, now) }, () => [
      absent.length ? `No ${absent[0]}` : silent ? 'Listener silent' : listener.open ? 'Listening' : 'No listener',
    ], () => [
      absent.length > 1 && [`nor ${absent.slice(1).join(', ')}`, h('br')],
      listener.session && [listener.open ? 'session ' : 'last session ', String(listener.session.id),
        listener.open ? `, for ${span(Date.parse(now) - Date.parse(listener.session.started_at))}` : ' is over'],
      login && [h('br'), untrusted(login.broker), ` login ends in ${span(Date.parse(login.ends_at) - Date.parse(now))}`],
    ]);
  const covered = coverage.contiguous_to;
  answer('complete', covered === null || coverage.missing > 0 ? 'bad' : 'good', coverage, () => [
    covered === null ? 'No block yet' : coverage.missing > 0 ? [integer(coverage.missing), ' missing'] : 'No gap',
  ], () => covered !== null && ['to block ', integer(covered), coverage.head !== null && coverage.head > covered
    && [', ', integer(coverage.head - covered), ' behind head']]);
  const beyond = positions.filter((row) => row.pending_execution_id === null && compare(magnitude(row.net_position), row.threshold) >= 0);
  const open = positions.filter((row) => row.pending_execution_id !== null).length;
  const widest = positions.reduce((most, row) =>
    (!most || compare(magnitude(row.net_position), magnitude(most.net_position)) > 0 ? row : most), null);
  answer('neutral', beyond.length ? 'bad' : 'good', { beyond: beyond.length, open, widest, count: positions.length }, () => [
    !positions.length ? 'No position' : beyond.length ? `${beyond.length} beyond` : 'Within threshold',
  ], () => [widest && !isZero(widest.net_position) && ['widest ', untrusted(widest.symbol), ' ', decimal(widest.net_position, { sign: true })],
    open > 0 && [h('br'), counted(open, 'hedge'), ' under way']]);
  answer('earned', 'plain', pnl && { total: pnl.realised_total, fills: pnl.fills, unpriced: pnl.unpriced_shares }, () => [
    pnl ? dollars(pnl.realised_total) : 'Not known',
  ], () => (pnl ? ['realised by ', integer(pnl.fills), pnl.fills === 1 ? ' fill' : ' fills',
    !isZero(pnl.unpriced_shares) && [h('br'), decimal(pnl.unpriced_shares), ' shares without a price']]
    : 'not computed yet, or it does not fit'));
  const waits = events.oldest_waiting_at ? span(Date.parse(now) - Date.parse(events.oldest_waiting_at)) : '';
  const count = problems.length;
  answer('needs-you', count ? 'bad' : 'good', { count, events, waits, open: executions.open, held: executions.held }, () => [
    count ? counted(count, 'thing') : 'Nothing',
  ], () => [[executions.held > 0 && `${executions.held} held`, events.quarantined > 0 && `${events.quarantined} quarantined`,
    `${counted(events.waiting, 'event')} waiting${waits && ` for ${waits}`}`].filter(Boolean).join(', '),
  h('br'), counted(executions.open, 'execution'), ' open']);
}

const seconds = (since, now) => since && Math.floor((Date.parse(now) - Date.parse(since)) / 1000);

function answer(id, verdict, source, headline, detail) {
  const place = byId(id);
  place.dataset.verdict = verdict;
  show(place.querySelector('.answer'), source, headline);
  show(place.querySelector('.because'), source, detail);
}
