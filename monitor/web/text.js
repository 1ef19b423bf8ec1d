// How text from outside is shown. Amounts stay the exact characters that the server sent: what is added for the eye (gaps
// between thousands, dollar signs, a paler tail) is style, so that a copied amount is the amount.
import { h } from './dom.js';

const DECIMAL = /^(-?)(\d+)(?:\.(\d+))?$/;
const TIME = /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(\.\d{3})?Z$/;

// What has no ink of its own, steers the line or hides in its neighbour: controls, bidi, zero width, odd spaces, marks.
const UNPRINTABLE = /[\p{C}\p{M}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]|(?! )\p{Zs}/gu;

const escape = (character) => {
  const code = character.codePointAt(0).toString(16).toUpperCase().padStart(4, '0');
  return code.length > 4 ? `\\u{${code}}` : `\\u${code}`;
};

// As a string, where no element can stand: a title, an <option>.
export const printable = (text) => String(text).replace(UNPRINTABLE, escape);

// As an element of its own direction, escapes set apart from a backslash that is really there.
export function untrusted(text, className = '') {
  const parts = [];
  let from = 0;
  for (const found of String(text).matchAll(UNPRINTABLE)) {
    parts.push(text.slice(from, found.index), h('span.escape', escape(found[0])));
    from = found.index + found[0].length;
  }
  parts.push(String(text).slice(from));
  return h('bdi', { class: className || null }, parts.filter((part) => part !== ''));
}

// "1234567" as three spans whose margins part the thousands.
function grouped(digits) {
  const first = digits.length % 3 || 3;
  const groups = [digits.slice(0, first)];
  for (let at = first; at < digits.length; at += 3) groups.push(digits.slice(at, at + 3));
  return groups.map((group, index) => (index === 0 ? group : h('span.thousand', group)));
}

// digits: how many after the point are read at a glance; the rest is there, paler.
export function decimal(text, { digits = 4, unit = '', sign = false } = {}) {
  const parts = DECIMAL.exec(text ?? '');
  if (!parts && text !== null && text !== undefined) return untrusted(text);
  if (!parts) return h('span.decimal.none', { 'aria-label': 'none' }, h('span.whole', '–'), h('span.fraction'));
  const [, minus, whole, fraction = ''] = parts;
  const plus = sign && !minus && !isZero(text);
  return h(`span.decimal${unit && `.${unit}`}${minus ? '.minus' : ''}${plus ? '.plus' : ''}`,
    h('span.whole', minus, grouped(whole)),
    h('span.fraction', fraction && `.${fraction.slice(0, digits)}`,
      fraction.length > digits && h('span.tail', fraction.slice(digits))));
}

export const dollars = (text, options) => decimal(text, { ...options, unit: 'usd', digits: options?.digits ?? 2 });
export const integer = (value) => (value === null || value === undefined ? none() : h('span.decimal', grouped(String(value))));
export const none = () => h('span.none', { 'aria-label': 'none' }, '–');
export const fractionLength = (text) => (DECIMAL.exec(text ?? '')?.[3] ?? '').length;

// Exact order of two decimals: what a comparison decides here may stand beside money.
export function compare(left, right) {
  const places = Math.max(fractionLength(left), fractionLength(right));
  const a = scaled(left, places);
  const b = scaled(right, places);
  return a < b ? -1 : a > b ? 1 : 0;
}

function scaled(text, places) {
  const [, minus, whole, fraction = ''] = DECIMAL.exec(text) ?? ['', '', '0', ''];
  return BigInt(minus + whole + fraction.padEnd(places, '0'));
}

export const isZero = (text) => /^-?0+(\.0+)?$/.test(text);
export const magnitude = (text) => text.replace(/^-/, '');

// Where a bar or a line goes. Never for what is read.
export const geometry = (text) => Number(text);

// "2026-01-05 15:07:02.254": the database's own characters but for the T and the Z; all times are UTC.
export function time(text, { short = false } = {}) {
  const parts = TIME.exec(text ?? '');
  if (!parts) return text ? untrusted(text) : none();
  const [, date, clock, millis = ''] = parts;
  const shown = short ? [h('span.date', `${date.slice(5)} `), clock] : [`${date} ${clock}`, h('span.tail', millis)];
  return h('time', { datetime: text, title: short ? `${date} ${clock}${millis} UTC` : null }, shown);
}

export function span(milliseconds) {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${seconds % 60} s`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

export function milliseconds(value) {
  if (value === null || value === undefined || !Number.isFinite(value)) return '–';
  if (Math.abs(value) < 1000) return `${value} ms`;
  if (Math.abs(value) < 60000) return `${(value / 1000).toFixed(2)} s`;
  return span(value);
}

export const counted = (number, one, many = `${one}s`) => `${number} ${number === 1 ? one : many}`;
