// The bar at the top: one verdict for the whole group, in words, colour, title and icon; below it, what needs a person.
import { byId, h, rows, show } from './dom.js';
import { counted, decimal, printable, span, time, untrusted } from './text.js';

const ICONS = {
  well: ['#1a7f4e', 'M9 16.5l5 5 9-11'],
  need: ['#c4320a', 'M16 7v11M16 23.4v.4'],
  halted: ['#a3123a', 'M12 10v12M20 10v12'],
  lost: ['#5b6470', 'M10 10l12 12M22 10L10 22'],
  wait: ['#5b6470', 'M10 16h12'],
};

// What the page can say, the gravest first. Stale kinds say that the numbers below are not of now.
export function judge({ state, unavailable, lost, fault }) {
  if (lost) return { kind: 'lost', stale: true, headline: 'Connection to the monitor lost', title: 'LOST', icon: 'lost' };
  if (unavailable !== null)
    return { kind: 'unavailable', stale: true, headline: 'The database cannot be read', title: 'NO DATABASE', icon: 'lost' };
  if (fault !== null) return { kind: 'fault', stale: true, headline: 'This page has a fault', title: 'FAULT', icon: 'lost' };
  if (!state) return { kind: 'wait', stale: false, headline: 'Waiting for the monitor', title: '…', icon: 'wait' };
  const count = state.problems.length;
  if (state.trading.halted)
    return { kind: 'halted', stale: false, headline: 'Trading is halted', title: 'HALTED', icon: 'halted', count };
  if (count > 0)
    return { kind: 'need', stale: false, headline: `${counted(count, 'thing needs', 'things need')} you`, title: `(${count}) needs you`,
      icon: 'need', count };
  return { kind: 'well', stale: false, headline: 'All is well', title: 'well', icon: 'well', count };
}

export function showVerdict(page) {
  const verdict = judge(page);
  const root = document.documentElement;
  root.dataset.verdict = verdict.kind;
  root.dataset.stale = verdict.stale && page.state ? 'yes' : 'no';
  setText(byId('headline'), verdict.headline);
  show(byId('glyph'), verdict.icon, () => iconShape(verdict.icon));
  setText(byId('detail'), detail(verdict, page));
  const name = page.state ? printable(page.state.database) : 'Ballast';
  document.title = `${verdict.title} · ${name === 'ballast.db' ? 'Ballast' : name}`;
  setIcon(verdict.icon);
  showNeeds(page);
}

// Called each second, too: ages count up.
export function showAge(page) {
  const age = byId('age');
  if (!page.state) return setText(age, '');
  const verdict = judge(page);
  setText(age, verdict.stale ? `shown: ${span(page.age())} old` : '');
  setText(byId('clock'), `${new Date(page.now()).toISOString().slice(11, 19)} UTC`);
  return undefined;
}

function detail(verdict, { state, unavailable, fault }) {
  switch (verdict.kind) {
    case 'lost': return state ? 'Trading does not need it. Reconnecting; what is below is old.' : 'Reconnecting.';
    case 'unavailable': return printable(unavailable);
    case 'fault': return `Do not trust what is below; load it again, or use monitor status: ${printable(fault)}`;
    case 'wait': return '';
    case 'halted': return `${counted(state.problems.length, 'thing needs', 'things need')} you. No new order leaves`
      + `${state.trading.reason ? `: ${printable(state.trading.reason)}` : '.'}`;
    case 'need': return state.executions.held > 0 ? 'Not everything is hedged.' : 'See below.';
    default: return wellDetail(state);
  }
}

// A gap needs nobody while it is young; it is told all the same.
function wellDetail({ coverage, listener }) {
  if (coverage.contiguous_to === null) return 'Nothing needs you yet. No block is proven.';
  if (coverage.missing > 0) return `Nothing needs you yet. ${counted(coverage.missing, 'block is', 'blocks are')} still to be proven.`;
  return `${listener.open ? 'Alive, complete' : 'Complete'}, within the threshold. Nothing needs you.`;
}

function showNeeds({ state }) {
  const place = byId('needs');
  const problems = state?.problems ?? [];
  // What a problem already tells, with its remedy, is not told again.
  const told = new Set(problems.map(({ name, subject }) => `${kindOf(name)} ${subject}`));
  const held = state?.executions.rows.filter((row) => row.status === 'HELD' && !told.has(`execution ${row.id}`)) ?? [];
  const quarantine = state?.quarantine.filter((row) => !told.has(`event ${row.event_id}`)) ?? [];
  const halted = (state?.trading.halted ?? false) && !problems.some((problem) => problem.name.includes('halt'));
  place.hidden = !problems.length && !held.length && !quarantine.length && !halted;
  byId('halt').hidden = !halted;
  show(byId('halt'), state?.trading, (trading) => halted && [
    h('strong', 'Trading is halted'), ' since ', time(trading.set_at), '. Reason: ', untrusted(trading.reason ?? 'none given'),
    '. Orders go again after ', h('code', 'executor resume'), '.']);
  rows(byId('problems'), problems, (problem) => `${problem.name} ${problem.subject}`, (problem) => [
    h('span.problem-name', printable(problem.name).replaceAll('_', ' ')),
    h('span.problem-text', untrusted(problem.text)), linkOf(problem)], 'li');
  byId('held').hidden = !held.length;
  rows(byId('held-rows'), held, (row) => row.id, (row) => [
    h('td', h('a', { href: `#/execution/${row.id}` }, `execution ${row.id}`)), h('td', untrusted(row.symbol)),
    h('td', untrusted(row.direction)), h('td.number', decimal(row.order_shares ?? row.shares)),
    h('td', time(row.submitted_at)), h('td.wide', row.error ? untrusted(row.error) : '')]);
  byId('quarantined').hidden = !quarantine.length;
  const more = (state?.events.quarantined ?? 0) - (state?.quarantine.length ?? 0);
  setText(byId('quarantined-more'), more > 0 ? `The newest ones; ${more} more.` : '');
  rows(byId('quarantined-rows'), quarantine, (row) => row.event_id, (row) => [
    h('td', h('a', { href: `#/event/${row.event_id}` }, `event ${row.event_id}`)),
    h('td', `block ${row.block_number}, log ${row.log_index}`),
    h('td.wide', untrusted(row.error ?? 'no reason is known'))]);
}

const kindOf = (name) => /^(execution|event|trade|order)/.exec(name)?.[1].replace('order', 'execution') ?? null;

function linkOf({ name, subject }) {
  const kind = kindOf(name);
  return kind !== null && /^\d+$/.test(subject ?? '') && h('a', { href: `#/${kind}/${subject}` }, `${kind} ${subject}`);
}

export function setText(place, text) {
  if (place.textContent !== text) place.textContent = text;
}

function iconShape(name) {
  const shape = document.createElementNS('http://www.w3.org/2000/svg', 'path');
  shape.setAttribute('d', ICONS[name][1]);
  return shape;
}

function setIcon(name) {
  const link = byId('icon');
  if (link.dataset.name === name) return;
  const [colour, path] = ICONS[name];
  link.dataset.name = name;
  link.href = `data:image/svg+xml,${encodeURIComponent(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">`
    + `<rect width="32" height="32" rx="9" fill="${colour}"/><path d="${path}" fill="none" stroke="#fff" stroke-width="4" `
    + `stroke-linecap="round" stroke-linejoin="round"/></svg>`)}`;
}
