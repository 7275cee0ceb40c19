// The list of pairs as cards: drawn once, restyled in place, never reordered while it is on the screen.

import { keepAsking } from '../shared/awaited_image.js';
import { h, imageUrl, reveal } from '../shared/dom.js';

/** @import { ReviewRow } from '../shared/wire.d.ts' */
/** @import { Pair } from './pair.js' */

/** @typedef {'left' | 'right' | 'up' | 'down' | 'first' | 'last'} Direction */
/** @typedef {{ isToggle: boolean, isExtend: boolean }} Click with Ctrl, or on the tick; with Shift */
/** @typedef {{ onPick: (pair: Pair, click: Click) => void, onOpen: (pair: Pair) => void, onDrawn: (pair: Pair) => void }} Listeners */

/** @type {Record<string, string | undefined>} */
const MARKS = { present: '✓', absent: '✕', unsure: '?', conflict: '≠' };

class Card {
  /** @type {{ row: ReviewRow, isSelected: boolean, isFocused: boolean } | null} */
  drawn = null;

  /** @param {Pair} pair @param {Listeners} listeners */
  constructor(pair, { onPick, onOpen, onDrawn }) {
    this.pair = pair;
    this.mark = h('span', { class: 'an-mark', 'aria-hidden': 'true' });
    this.tick = h('span', { class: 'rv-tick', 'aria-hidden': 'true' });
    this.flag = h('span', { class: 'rv-flag', 'aria-hidden': 'true', text: '⚑', hidden: true });
    this.who = h('div', { class: 'rv-who', dir: 'auto' });
    this.bar = h('i', {});
    this.score = h('span', { class: 'rv-says' });
    this.meter = h('div', { class: 'rv-meter' }, h('span', { class: 'rv-track' }, this.bar), this.score);
    const image = h('img', { src: imageUrl(256, pair.row.image), alt: '', loading: 'lazy', draggable: 'false' });
    image.addEventListener('load', () => onDrawn(pair));
    keepAsking(image, { onMissing: () => this.element.classList.add('broken') });
    this.element = h('div', { class: 'rv-card', role: 'option', tabindex: -1, 'data-image': pair.row.image, 'data-category': pair.row.category ?? '' },
      h('div', { class: 'rv-thumb' }, image, this.tick, this.flag),
      h('div', { class: 'rv-title' }, this.mark, h('span', { class: 'rv-name', text: pair.isPair ? pair.categoryName : pair.row.name, dir: 'auto' })),
      this.who, this.meter);
    this.element.addEventListener('click', (event) => onPick(pair, { isToggle: event.ctrlKey || event.metaKey || event.target === this.tick, isExtend: event.shiftKey }));
    this.element.addEventListener('dblclick', () => onOpen(pair));
  }

  /** @param {boolean} isFocused */
  draw(isFocused) {
    const { pair, element, drawn } = this;
    const { row, isSelected } = pair;
    if (drawn?.row === row && drawn.isSelected === isSelected && drawn.isFocused === isFocused) return;
    this.drawn = { row, isSelected, isFocused };
    element.dataset.state = pair.isPair ? pair.state : 'flagged';
    element.classList.toggle('focused', isFocused);
    element.classList.toggle('against', row.disagreement > 0);
    element.classList.toggle('ranked', row.ranked);
    element.setAttribute('aria-selected', String(isSelected));
    element.tabIndex = isFocused ? 0 : -1;
    this.mark.textContent = pair.isPair ? MARKS[pair.state] ?? '' : '⚑';
    this.tick.textContent = isSelected ? '✓' : '';
    this.flag.hidden = !pair.isPair || !row.flags.length;
    this.who.textContent = pair.whoText;
    this.who.title = pair.whoText;
    this.meter.hidden = row.score === null;
    this.bar.style.width = `${Math.round((row.score ?? 0) * 100)}%`;
    this.score.textContent = pair.scoreText;
    element.setAttribute('aria-label', pair.text);
  }
}

export class CardList {
  /** @param {Listeners} listeners */
  constructor(listeners) {
    this.listeners = listeners;
    /** @type {Card[]} */
    this.cards = [];
    this.grid = h('div', { class: 'rv-grid', role: 'listbox', 'aria-label': 'Pairs', 'aria-multiselectable': 'true' });
    this.empty = h('div', { class: 'rv-empty', role: 'status', hidden: true });
    this.box = h('div', { class: 'rv-list' }, this.grid, this.empty);
  }

  clear() {
    this.cards = [];
    this.grid.replaceChildren();
    this.empty.hidden = true;
    this.box.scrollTop = 0;
  }

  // Something in place of pairs.
  /** @param {...(Node | string)} children */
  showInstead(...children) {
    this.empty.replaceChildren(...children);
    this.empty.hidden = false;
  }

  // Cards for the pairs that have none yet; the order of the others stays.
  /** @param {Pair[]} pairs @param {Pair | null} focus */
  draw(pairs, focus) {
    if (this.cards.some(({ pair }, place) => pair !== pairs[place])) this.clear();
    const fresh = pairs.slice(this.cards.length).map((pair) => new Card(pair, this.listeners));
    this.cards.push(...fresh);
    this.grid.append(...fresh.map(({ element }) => element));
    for (const card of this.cards) card.draw(card.pair === focus);
  }

  get columns() {
    const top = this.cards[0]?.element.offsetTop;
    const next = this.cards.findIndex(({ element }) => element.offsetTop !== top);
    return next < 0 ? Math.max(1, this.cards.length) : next;
  }

  // Where an arrow leads from a place; the last row may be short.
  /** @param {number} at @param {Direction} direction */
  placeFrom(at, direction) {
    const last = this.cards.length - 1;
    if (direction === 'first') return 0;
    if (direction === 'last') return last;
    const step = { left: -1, right: 1, up: -this.columns, down: this.columns }[direction];
    const to = at + step;
    if (to >= 0 && to <= last) return to;
    const isLower = direction === 'down' && Math.floor(at / step) < Math.floor(last / step);
    return isLower ? last : at;
  }

  /** @param {Pair | null} pair */
  reveal(pair) {
    const element = this.cards.find((card) => card.pair === pair)?.element;
    if (!element) return;
    element.focus({ preventScroll: true });
    if (this.box.scrollHeight > this.box.clientHeight + 1) reveal(element, this.box);
    else element.scrollIntoView({ block: 'nearest' });
  }
}
