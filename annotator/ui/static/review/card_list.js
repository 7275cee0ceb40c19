// The list of pairs as cards: drawn once, restyled in place, never reordered while it is on the screen.

import { h, picture, reveal } from '../shared/dom.js';

const MARKS = { present: '✓', absent: '✕', unsure: '?', conflict: '≠', unknown: '' };

export class Card {
  constructor(pair, { onPick, onOpen }) {
    this.pair = pair;
    this.mark = h('span', { class: 'an-mark', 'aria-hidden': 'true' });
    this.tick = h('span', { class: 'rv-tick', 'aria-hidden': 'true' });
    this.flag = h('span', { class: 'rv-flag', 'aria-hidden': 'true', text: '⚑', hidden: true });
    this.who = h('div', { class: 'rv-who', dir: 'auto' });
    this.bar = h('i', {});
    this.says = h('span', { class: 'rv-says' });
    this.meter = h('div', { class: 'rv-meter' }, h('span', { class: 'rv-track' }, this.bar), this.says);
    const image = h('img', { src: picture(256, pair.row.image), alt: '', loading: 'lazy', draggable: 'false' });
    image.addEventListener('error', () => this.element.classList.add('broken'));
    this.element = h('div', { class: 'rv-card', role: 'option', tabindex: -1, 'data-image': pair.row.image, 'data-category': pair.row.category ?? '' },
      h('div', { class: 'rv-thumb' }, image, this.tick, this.flag),
      h('div', { class: 'rv-title' }, this.mark, h('span', { class: 'rv-name', text: pair.isPair ? pair.categoryName : pair.row.name, dir: 'auto' })),
      this.who, this.meter);
    this.element.addEventListener('click', (event) => onPick(this, { toggle: event.ctrlKey || event.metaKey || event.target === this.tick, extend: event.shiftKey }));
    this.element.addEventListener('dblclick', () => onOpen(this));
  }

  draw(focused) {
    const { pair, element } = this;
    const { row, selected } = pair;
    const drawn = [row, selected, focused];
    if (this.drawn && drawn.every((value, place) => value === this.drawn[place])) return;
    this.drawn = drawn;
    element.dataset.state = pair.isPair ? pair.state : 'flagged';
    element.classList.toggle('focused', focused);
    element.classList.toggle('against', row.disagreement > 0);
    element.classList.toggle('ranked', row.ranked);
    element.setAttribute('aria-selected', String(selected));
    element.tabIndex = focused ? 0 : -1;
    this.mark.textContent = pair.isPair ? MARKS[pair.state] : '⚑';
    this.tick.textContent = selected ? '✓' : '';
    this.flag.hidden = !pair.isPair || !row.flags.length;
    this.who.textContent = pair.who;
    this.who.title = pair.who;
    this.meter.hidden = row.score === null;
    this.bar.style.width = `${Math.round((row.score ?? 0) * 100)}%`;
    this.says.textContent = pair.says;
    element.setAttribute('aria-label', pair.words);
  }
}

export class CardList {
  constructor(handlers) {
    this.handlers = handlers;
    this.cards = [];
    this.focus = null;
    this.grid = h('div', { class: 'rv-grid', role: 'listbox', 'aria-label': 'Pairs', 'aria-multiselectable': 'true' });
    this.empty = h('div', { class: 'rv-empty', role: 'status', hidden: true });
    this.box = h('div', { class: 'rv-list' }, this.grid, this.empty);
  }

  clear() {
    this.cards = [];
    this.focus = null;
    this.anchor = null;
    this.grid.replaceChildren();
    this.empty.hidden = true;
    this.box.scrollTop = 0;
  }

  // Pairs that a later page gives again, because something moved in between, are not shown twice.
  add(pairs) {
    const known = new Set(this.cards.map(({ pair }) => pair.key));
    const fresh = pairs.filter(({ key }) => !known.has(key)).map((pair) => new Card(pair, this.handlers));
    this.cards.push(...fresh);
    this.grid.append(...fresh.map(({ element }) => element));
    this.focus ??= this.cards[0] ?? null;
    this.draw();
  }

  say(...children) {
    this.empty.replaceChildren(...children);
    this.empty.hidden = false;
  }

  draw() { for (const card of this.cards) card.draw(card === this.focus); }

  get at() { return this.cards.indexOf(this.focus); }

  get pairs() { return this.cards.map(({ pair }) => pair); }

  get selected() { return this.pairs.filter(({ selected }) => selected); }

  find(key) { return this.cards.find(({ pair }) => pair.key === key)?.pair; }

  get columns() {
    const top = this.cards[0]?.element.offsetTop;
    const next = this.cards.findIndex(({ element }) => element.offsetTop !== top);
    return next < 0 ? Math.max(1, this.cards.length) : next;
  }

  // Where an arrow leads; the last row may be short.
  place(direction) {
    const step = { left: -1, right: 1, up: -this.columns, down: this.columns, first: -Infinity, last: Infinity }[direction];
    const to = this.at + step;
    if (to >= 0 && to < this.cards.length) return to;
    if (Math.abs(step) === Infinity) return step < 0 ? 0 : this.cards.length - 1;
    const isLower = direction === 'down' && Math.floor(this.at / step) < Math.floor((this.cards.length - 1) / step);
    return isLower ? this.cards.length - 1 : this.at;
  }

  focusOn(card) {
    this.focus = card;
    this.draw();
    if (!card) return;
    card.element.focus({ preventScroll: true });
    if (this.box.scrollHeight > this.box.clientHeight + 1) reveal(card.element, this.box);
    else card.element.scrollIntoView({ block: 'nearest' });
  }

  toggle(card) {
    if (card.pair.isPair) card.pair.selected = !card.pair.selected;
    this.anchor = card;
  }

  // Select everything between where the selection began and here.
  extend(to) {
    const from = this.cards.indexOf(this.anchor ?? this.focus);
    this.anchor ??= this.focus;
    const [low, high] = [Math.min(from, to), Math.max(from, to)];
    this.cards.forEach(({ pair }, place) => { pair.selected = pair.isPair && place >= low && place <= high; });
  }

  selectAll(wanted) {
    for (const pair of this.pairs) pair.selected = wanted && pair.isPair;
    this.anchor = null;
  }
}
