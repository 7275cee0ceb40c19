// Many pictures of one category: their states, which of them have been seen, and where they lie.

import { codeOf } from './image_codes.js';
import { h, picture, reveal } from '../shared/dom.js';
import { pause } from '../shared/server.js';

const SEEN_MS = 150; // so long a picture has to be in view
const SEEN_SHARE = 0.6; // so much of it
const GAP = 6;
const SMALLEST = 104; // narrower pictures cannot be judged; the grid scrolls instead
const SHAPE = 4 / 3;
const PHONE = 700;
const MOST_WAIT_MS = 1500; // for pictures, before others are asked for
const MARKS = { present: '✓', absent: '✕', unsure: '?' };

export class Grid {
  constructor({ onFlip, onLook, onBroken, onSeen }) {
    Object.assign(this, { onFlip, onLook, onBroken, onSeen, cells: [], columns: 1, at: 0, row: null, page: null });
    this.element = h('div', { class: 'vf-grid', role: 'group', 'aria-label': 'Images' }); // a grid once it has rows
    this.#observe();
  }

  get focused() { return this.cells[this.at]?.item ?? null; }

  // What lies under the bar at the bottom of a phone is not in view.
  #observe() {
    this.observer?.disconnect();
    const covered = innerWidth <= PHONE ? this.element.nextElementSibling?.offsetHeight ?? 0 : 0;
    this.observer = new IntersectionObserver((entries) => this.#inView(entries), {
      threshold: [0, SEEN_SHARE], rootMargin: `0px 0px -${covered}px 0px`,
    });
  }

  show(page) {
    this.#observe();
    Object.assign(this, { page, at: 0, row: null });
    this.cells = page.items.map((item, place) => this.#cell(item, place));
    this.element.setAttribute('role', this.cells.length ? 'grid' : 'group');
    this.element.dataset.mode = page.about.mode;
    this.element.scrollTop = 0;
    this.element.replaceChildren();
    this.layout();
    this.draw();
    for (const { tile } of this.cells) this.observer.observe(tile);
  }

  clear() {
    this.observer.disconnect();
    Object.assign(this, { cells: [], row: null, page: null });
    this.element.setAttribute('role', 'group');
    this.element.replaceChildren();
  }

  #cell(item, place) {
    const image = h('img', { alt: '', draggable: 'false', decoding: 'async' });
    const cell = { item, image, loaded: false, from: null, ms: 0, place };
    cell.mark = h('span', { class: 'vf-mark', 'aria-hidden': 'true' });
    cell.code = h('span', { class: 'vf-code', 'aria-hidden': 'true' });
    cell.tile = h('div', { class: 'vf-tile', role: 'checkbox', tabindex: -1 }, image, cell.code, cell.mark);
    if (item.score != null) cell.tile.append(h('span', { class: 'vf-bar', style: `width:${Math.round(100 * item.score)}%`, 'aria-hidden': 'true' }));
    cell.tile.addEventListener('click', () => { Object.assign(this, { at: place, row: null }); this.onFlip(item); });
    cell.tile.addEventListener('focus', () => this.focus(place));
    const look = h('button', { class: 'vf-look', type: 'button', tabindex: -1, text: '⤢', 'aria-label': `Show ${item.name} large`, title: 'Show large' });
    look.addEventListener('mouseenter', () => this.onLook(item, 'peek'));
    look.addEventListener('mouseleave', () => this.onLook(null, 'peek'));
    look.addEventListener('click', () => { this.at = place; this.draw(); this.onLook(item, 'click'); });
    cell.element = h('div', { class: 'vf-cell', role: 'gridcell' }, cell.tile, look);
    image.addEventListener('load', () => { cell.loaded = true; if (cell.from !== null) cell.from = performance.now(); this.#seenSoon(); });
    image.addEventListener('error', () => this.#broken(cell));
    image.src = picture(256, item.id);
    return cell;
  }

  // All pictures are there, or it is not worth waiting for them: until then nothing else may take
  // the server's time.
  async settled() {
    const { cells } = this;
    const until = performance.now() + MOST_WAIT_MS;
    while (cells === this.cells && performance.now() < until && cells.some(({ loaded, broken }) => !loaded && !broken)) await pause(20);
  }

  #broken(cell) {
    cell.broken = true;
    cell.tile.classList.add('broken');
    cell.image.replaceWith(h('span', { class: 'vf-gone', text: 'This picture cannot be shown.' }));
    this.onBroken(cell.item);
  }

  // ---- what was seen

  #inView(entries) {
    const now = performance.now();
    for (const { target, intersectionRatio, isIntersecting } of entries) {
      const cell = this.cells.find(({ tile }) => tile === target);
      if (!cell) continue;
      if (isIntersecting && intersectionRatio >= SEEN_SHARE) cell.from ??= now;
      else if (cell.from !== null) {
        if (cell.loaded) cell.ms += now - cell.from;
        cell.from = null;
      }
    }
    this.#seenSoon();
  }

  // What is in view now counts as seen in a moment.
  #seenSoon() { setTimeout(() => this.onSeen(), SEEN_MS + 10); }

  // Items whose picture was loaded and in view, and those of which that cannot be said.
  split() {
    const now = performance.now();
    const isSeen = ({ loaded, from, ms }) => loaded && ms + (from === null ? 0 : now - from) >= SEEN_MS;
    const items = (wanted) => this.cells.filter((cell) => isSeen(cell) === wanted).map(({ item }) => item);
    return { seen: items(true), unseen: items(false) };
  }

  // ---- drawing

  draw() {
    if (!this.page) return;
    this.cells.forEach((cell, place) => {
      const { item, tile, mark } = cell;
      const state = this.page.states.get(item.id) ?? 'none';
      const by = this.#by(item.id);
      Object.assign(tile.dataset, { state, by });
      mark.textContent = MARKS[state] ?? '';
      tile.tabIndex = place === this.at ? 0 : -1;
      tile.classList.toggle('focused', place === this.at);
      cell.code.classList.toggle('aimed', Math.floor(place / this.columns) === this.row);
      tile.setAttribute('aria-checked', { present: 'true', absent: 'false' }[state] ?? 'mixed');
      tile.setAttribute('aria-label', `${item.name}, ${worded(state, by)}`);
    });
  }

  // Who says so: a person about this picture, a person about all that is left, or the model.
  #by(id) {
    const { touched, rest } = this.page;
    return touched.has(id) ? 'hand' : rest.has(id) ? 'rest' : 'guess';
  }

  focus(place, { reaching = false } = {}) {
    if (!this.cells.length) return;
    this.at = Math.max(0, Math.min(place, this.cells.length - 1));
    const { tile } = this.cells[this.at];
    if (document.activeElement !== tile) tile.focus({ preventScroll: true });
    if (reaching) this.#reveal(tile);
    this.draw();
  }

  move(right, down) { this.focus(this.at + right + down * this.columns, { reaching: true }); }

  // The row whose digit was typed, or null.
  aim(row) {
    if (this.row === row) return;
    this.row = row;
    this.draw();
    if (row !== null) this.#reveal(this.cells[row * this.columns].tile);
  }

  #reveal(tile) {
    if (this.element.scrollHeight > this.element.clientHeight + 1) reveal(tile, this.element);
    else tile.scrollIntoView({ block: 'nearest' });
  }

  // As many columns as make the pictures largest without scrolling, if they fit at all.
  layout() {
    if (!this.cells.length) return;
    const { top } = this.element.getBoundingClientRect();
    const width = this.element.clientWidth;
    const isPhone = innerWidth <= PHONE;
    const below = this.element.nextElementSibling?.offsetHeight ?? 0;
    const height = Math.max(240, innerHeight - (top + scrollY) - below - 22);
    const fit = isPhone ? { columns: 3, height: Math.floor(width / 3) } : fitted(this.cells.length, width - 12, height);
    if (this.columns !== fit.columns) this.row = null; // its digit means others now
    this.columns = fit.columns;
    this.cells.forEach(({ code }, place) => code.replaceChildren(...codeOf(place, this.columns)));
    this.element.style.setProperty('--vf-columns', fit.columns);
    this.element.style.setProperty('--vf-row', `${fit.height}px`);
    this.element.style.maxHeight = isPhone ? '' : `${height}px`;
    const rows = [];
    for (let first = 0; first < this.cells.length; first += this.columns) {
      rows.push(h('div', { class: 'vf-row', role: 'row' }, ...this.cells.slice(first, first + this.columns).map(({ element }) => element)));
    }
    this.element.replaceChildren(...rows);
  }
}

function fitted(count, width, height) {
  let best = { columns: Math.max(1, Math.floor(width / (SMALLEST + GAP))), size: 0 };
  for (let columns = 1; columns <= count; columns += 1) {
    const rows = Math.ceil(count / columns);
    const across = (width - GAP * (columns - 1)) / columns;
    const down = (height - GAP * (rows - 1)) / rows;
    const size = Math.min(across, down * SHAPE);
    if (size > best.size && size >= SMALLEST) best = { columns, size, height: Math.floor(Math.min(down, across)) };
  }
  return best.size ? best : { ...best, height: Math.floor(width / best.columns / SHAPE) };
}

function worded(state, by) {
  if (state === 'none') return 'not marked';
  const said = state === 'unsure' ? 'cannot tell' : state;
  return { hand: said, rest: `${said}, like the rest`, guess: `${said}, the model's guess` }[by];
}
