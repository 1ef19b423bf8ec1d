// Elements without markup: every text becomes a text node, so nothing that comes from outside is ever parsed.

// h('a.name', { href }, children...): children are nodes, strings, or arrays of them; null and false are left out.
export function h(name, ...rest) {
  return build(document.createElement(name.split('.')[0]), name, rest);
}

export function svg(name, ...rest) {
  return build(document.createElementNS('http://www.w3.org/2000/svg', name.split('.')[0]), name, rest);
}

function build(element, name, rest) {
  const classes = name.split('.').slice(1);
  if (classes.length) element.setAttribute('class', classes.join(' '));
  for (const part of rest) {
    if (part && Object.getPrototypeOf(part) === Object.prototype) attributes(element, part);
    else append(element, part);
  }
  return element;
}

function attributes(element, values) {
  for (const [name, value] of Object.entries(values)) {
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value);
  }
}

function append(element, part) {
  if (part === null || part === undefined || part === false || part === '') return;
  if (Array.isArray(part)) part.forEach((one) => append(element, one));
  else element.append(part);
}

export const byId = (id) => document.getElementById(id);

// Replaces what a place shows when, and only when, what it is made of has changed: a selection or a focus in it stays.
const shown = new WeakMap();

export function show(place, source, make) {
  const key = JSON.stringify(source);
  if (shown.get(place) === key) return false;
  shown.set(place, key);
  const focused = place.contains(document.activeElement) && document.activeElement;
  const href = focused && focused.getAttribute('href');
  place.replaceChildren(...[make(source)].flat(9).filter((part) => part || part === 0));
  if (href) [...place.querySelectorAll('a')].find((link) => link.getAttribute('href') === href)?.focus();
  return true;
}

// Rows by key: those that stay are moved only when their order changed and touched only when their content did.
// make(item, row): the row's cells. Returns the rows that are new.
export function rows(body, items, key, make, tag = 'tr') {
  const wanted = new Set(items.map((item) => String(key(item))));
  const old = new Map();
  for (const row of [...body.children]) {
    if (wanted.has(row.dataset.key)) old.set(row.dataset.key, row);
    else row.remove();
  }
  const added = [];
  let next = body.firstElementChild;
  for (const item of items) {
    const name = String(key(item));
    const row = old.get(name) ?? h(tag, { 'data-key': name });
    if (!old.has(name)) added.push(row);
    show(row, item, (source) => make(source, row));
    if (row === next) next = row.nextElementSibling;
    else body.insertBefore(row, next);
  }
  return added;
}
