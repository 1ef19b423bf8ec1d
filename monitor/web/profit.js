// Realised profit over time. The line's place is a number of the machine; every amount that is read is the server's text.
import { ask, reader } from './server.js';
import { byId, h, show } from './dom.js';
import { dollars, geometry, integer, isZero, decimal, printable, time } from './text.js';

const REREAD_MS = 3000;
const HEIGHT = 224;

export function openProfit() {
  const place = byId('profit-chart');
  const profit = { place, symbol: '', data: null, plot: null, index: null };
  profit.reader = reader(() => read(profit), REREAD_MS);
  new ResizeObserver(() => profit.plot?.setSize({ width: place.clientWidth, height: HEIGHT })).observe(place);
  place.addEventListener('keydown', (event) => step(profit, event));
  place.addEventListener('blur', () => choosePoint(profit, null));
  return {
    // The sums in the state tell when the curve is another.
    show: ({ state }) => {
      const sums = JSON.stringify([state.database, state.ledger, state.pnl]);
      if (sums !== profit.sums) {
        profit.sums = sums;
        profit.reader.soon();
      }
    },
    choose: (symbol) => {
      profit.symbol = symbol;
      profit.reader.now();
    },
    redraw: () => profit.data && draw(profit, true),
  };
}

async function read(profit) {
  const asked = profit.symbol;
  try {
    const data = await ask(`/api/pnl${asked === '' ? '' : `?${new URLSearchParams({ symbol: asked })}`}`);
    if (asked !== profit.symbol) return;
    if (asked !== profit.data?.symbol) profit.index = null;
    profit.data = { ...data, symbol: asked };
    byId('profit-failed').textContent = '';
    draw(profit, false);
  } catch (error) {
    byId('profit-failed').textContent = `The curve could not be read: ${error.message}.`;
    profit.reader.soon();
  }
}

function draw(profit, anew) {
  const { data, place } = profit;
  const empty = !data.points.length;
  byId('profit-empty').hidden = !empty;
  place.hidden = empty;
  if (anew || empty) {
    profit.plot?.destroy();
    profit.plot = null;
  }
  if (!empty) {
    const columns = [data.points.map((point) => Date.parse(point.time) / 1000),
      data.points.map((point) => geometry(point.realised_total))];
    if (profit.plot) profit.plot.setData(columns);
    else profit.plot = new window.uPlot(options(profit), columns, place);
  }
  readout(profit);
}

function options(profit) {
  const style = getComputedStyle(document.documentElement);
  const colour = (name) => style.getPropertyValue(name).trim();
  const axis = { stroke: colour('--quiet'), font: `11px ${getComputedStyle(document.body).fontFamily}`,
    grid: { stroke: colour('--hair'), width: 1 }, ticks: { show: false } };
  const { uPlot } = window;
  return {
    width: profit.place.clientWidth,
    height: HEIGHT,
    padding: [12, 8, 0, 0],
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false }, points: { size: 7, width: 2, fill: colour('--panel'), stroke: colour('--accent') } },
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), 'Etc/UTC'),
    scales: { y: { range: (plot, low, high) => padded(low, high) } },
    axes: [
      { ...axis, size: 40, space: 90, values: axisTimes() },
      { ...axis, size: 56, space: 36 },
    ],
    series: [{}, { stroke: colour('--accent'), width: 1.75, fill: colour('--accent-wash'), fillTo: 0, points: { show: false },
      paths: uPlot.paths.stepped({ align: 1 }) }],
    hooks: { setCursor: [(plot) => {
      profit.index = plot.cursor.left >= 0 ? plot.cursor.idx : null;
      readout(profit);
    }] },
  };
}

function padded(low, high) {
  const bottom = Math.min(0, low);
  const top = Math.max(0, high);
  const margin = (top - bottom || 1) * 0.08;
  return [bottom < 0 ? bottom - margin : 0, top > 0 ? top + margin : 0];
}

// uPlot's own forms are American; these are the database's.
function axisTimes() {
  const form = (text) => (plot, seconds) => {
    const moments = seconds.map((second) => new Date(second * 1000).toISOString());
    return moments.map((moment, index) => text(moment, index === 0 || moment.slice(0, 10) !== moments[index - 1].slice(0, 10)));
  };
  return (plot, seconds, axisIndex, space, increment) => {
    if (increment >= 86400) return form((moment) => moment.slice(0, 10))(plot, seconds);
    return form((moment, newDay) => `${moment.slice(11, increment < 60 ? 19 : 16)}${newDay ? `\n${moment.slice(5, 10)}` : ''}`)(plot, seconds);
  };
}

function step(profit, event) {
  if (!profit.plot) return;
  const last = profit.data.points.length - 1;
  const at = profit.index ?? last;
  const to = { ArrowLeft: at - 1, ArrowRight: at + 1, PageUp: at - 20, PageDown: at + 20, Home: 0, End: last }[event.key];
  if (to === undefined || event.ctrlKey || event.altKey || event.metaKey) return;
  event.preventDefault();
  choosePoint(profit, Math.max(0, Math.min(last, to)));
}

function choosePoint(profit, index) {
  if (!profit.plot) return;
  if (index === null) {
    profit.plot.setCursor({ left: -10, top: -10 });
    return;
  }
  const left = profit.plot.valToPos(Date.parse(profit.data.points[index].time) / 1000, 'x');
  profit.plot.setCursor({ left, top: 0 }, false);
  profit.index = index;
  readout(profit);
}

function readout(profit) {
  const { data } = profit;
  const place = byId('profit-readout');
  const point = profit.index === null ? null : data.points[profit.index] ?? null;
  const shown = point?.realised_total ?? data.realised_total;
  show(place, [point, data.symbol, data.realised_total, data.fills, data.unpriced_shares], () => [
    h('span.figure', dollars(shown)),
    h('span.of', point ? ['at ', time(point.time)] : [data.symbol === '' ? 'all tickers' : printable(data.symbol), ', ', integer(data.fills),
      data.fills === 1 ? ' fill' : ' fills', !isZero(data.unpriced_shares) && [', ', decimal(data.unpriced_shares), ' shares unpriced']]),
  ]);
  const last = Math.max(0, data.points.length - 1);
  profit.place.setAttribute('aria-valuemax', last);
  profit.place.setAttribute('aria-valuenow', profit.index ?? last);
  profit.place.setAttribute('aria-valuetext', `${shown} dollars ${point ? `at ${point.time}` : 'in all'}`);
}
