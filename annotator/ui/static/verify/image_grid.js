// Many images of one category: their states, which of them have been seen, and where they lie.

import { keepAsking } from '../shared/awaited_image.js';
import { h, imageUrl, reveal } from '../shared/dom.js';
import { pause } from '../shared/server.js';
import { codeOf } from './image_codes.js';

/** @import { GridItem } from '../shared/wire.d.ts' */
/** @import { ImagePage } from './image_page.js' */

const SEEN_MS = 150; // so long an image has to be in view
const SEEN_SHARE = 0.6; // so much of it
const GAP = 6;
const SMALLEST = 104; // narrower images cannot be judged; the grid scrolls instead
const SHAPE = 4 / 3;
const PHONE = 700;
const MOST_WAIT_MS = 1500; // for images, before others are asked for
const MARKS = { present: '✓', absent: '✕', unsure: '?', none: '' };

class Cell {
  isLoaded = false;

  isBroken = false;

  /** @type {number | null} */
  inViewSince = null;

  ms = 0; // in view before

  /** @param {GridItem} item */
  constructor(item) {
    this.item = item;
    this.image = h('img', { alt: '', draggable: 'false', decoding: 'async' });
    this.mark = h('span', { class: 'vf-mark', 'aria-hidden': 'true' });
    this.code = h('span', { class: 'vf-code', 'aria-hidden': 'true' });
    this.tile = h('div', { class: 'vf-tile', role: 'checkbox', tabindex: -1 }, this.image, this.code, this.mark);
    if (item.score != null) this.tile.append(h('span', { class: 'vf-bar', style: `width:${Math.round(100 * item.score)}%`, 'aria-hidden': 'true' }));
    this.enlarge = h('button', { class: 'vf-look', type: 'button', tabindex: -1, text: '⤢', 'aria-label': `Show ${item.name} large`, title: 'Show large' });
    this.element = h('div', { class: 'vf-cell', role: 'gridcell' }, this.tile, this.enlarge);
  }

  get isSeen() {
    const now = this.inViewSince === null ? 0 : performance.now() - this.inViewSince;
    return this.isLoaded && this.ms + now >= SEEN_MS;
  }

  enter() { this.inViewSince ??= performance.now(); }

  leave() {
    if (this.inViewSince !== null && this.isLoaded) this.ms += performance.now() - this.inViewSince;
    this.inViewSince = null;
  }

  // Only from now on somebody can see it.
  load() {
    this.isLoaded = true;
    this.tile.classList.remove('waiting');
    if (this.inViewSince !== null) this.inViewSince = performance.now();
  }

  wait() { this.tile.classList.add('waiting'); }

  fail() {
    this.isBroken = true;
    this.tile.classList.remove('waiting');
    this.tile.classList.add('broken');
    this.image.replaceWith(h('span', { class: 'vf-gone', text: 'This image cannot be shown.' }));
  }

  /** @param {ImagePage} page @param {{ isFocused: boolean, isRowSelected: boolean }} place */
  draw(page, { isFocused, isRowSelected }) {
    const { item, tile } = this;
    const state = page.states.get(item.id) ?? 'none';
    const by = page.markedBy(item.id);
    Object.assign(tile.dataset, { state, by });
    this.mark.textContent = MARKS[state];
    tile.tabIndex = isFocused ? 0 : -1;
    tile.classList.toggle('focused', isFocused);
    this.code.classList.toggle('aimed', isRowSelected);
    tile.setAttribute('aria-checked', state === 'present' ? 'true' : state === 'absent' ? 'false' : 'mixed');
    const suffix = state === 'none' ? '' : { hand: '', rest: ', like the rest', guess: ', the model\'s guess' }[by];
    tile.setAttribute('aria-label', `${item.name}, ${page.text(item)}${suffix}`);
  }
}

export class ImageGrid {
  /**
   * @param {{ onFlip: (item: GridItem) => void, onEnlarge: (item: GridItem) => void, onPeek: (item: GridItem | null) => void,
   *   onBroken: (item: GridItem) => void, onSeen: () => void }} listeners `onPeek`: the pointer is over the button, or has left it
   */
  constructor({ onFlip, onEnlarge, onPeek, onBroken, onSeen }) {
    this.onFlip = onFlip;
    this.onEnlarge = onEnlarge;
    this.onPeek = onPeek;
    this.onBroken = onBroken;
    this.onSeen = onSeen;
    /** @type {Cell[]} */
    this.cells = [];
    this.columns = 1;
    this.at = 0;
    /** @type {number | null} */
    this.row = null; // whose digit was typed
    /** @type {ImagePage | null} */
    this.page = null;
    this.element = h('div', { class: 'vf-grid', role: 'group', 'aria-label': 'Images' }); // a grid once it has rows
    this.observer = this.#newObserver();
  }

  get focused() { return this.cells[this.at]?.item ?? null; }

  get #heightBelow() {
    const below = this.element.nextElementSibling;
    return below instanceof HTMLElement ? below.offsetHeight : 0;
  }

  // What lies under the bar at the bottom of a phone is not in view.
  #newObserver() {
    const covered = innerWidth <= PHONE ? this.#heightBelow : 0;
    return new IntersectionObserver((entries) => this.#inView(entries), {
      threshold: [0, SEEN_SHARE], rootMargin: `0px 0px -${covered}px 0px`,
    });
  }

  /** @param {ImagePage} page */
  show(page) {
    this.observer.disconnect();
    this.observer = this.#newObserver();
    this.page = page;
    this.at = 0;
    this.row = null;
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
    this.cells = [];
    this.row = null;
    this.page = null;
    this.element.setAttribute('role', 'group');
    this.element.replaceChildren();
  }

  /** @param {GridItem} item @param {number} place */
  #cell(item, place) {
    const cell = new Cell(item);
    const { tile, enlarge, image } = cell;
    tile.addEventListener('click', () => {
      this.at = place;
      this.row = null;
      this.onFlip(item);
    });
    tile.addEventListener('focus', () => this.focus(place));
    enlarge.addEventListener('mouseenter', () => this.onPeek(item));
    enlarge.addEventListener('mouseleave', () => this.onPeek(null));
    enlarge.addEventListener('click', () => {
      this.at = place;
      this.draw();
      this.onEnlarge(item);
    });
    image.addEventListener('load', () => {
      cell.load();
      this.#updateSeenSoon();
    });
    keepAsking(image, {
      onWait: () => cell.wait(),
      onMissing: () => {
        cell.fail();
        this.onBroken(item);
      },
    });
    image.src = imageUrl(256, item.id);
    return cell;
  }

  // All images are there, or it is not worth waiting for them: until then nothing else may take
  // the server's time.
  async settled() {
    const { cells } = this;
    const until = performance.now() + MOST_WAIT_MS;
    while (cells === this.cells && performance.now() < until && cells.some(({ isLoaded, isBroken }) => !isLoaded && !isBroken)) await pause(20);
  }

  // ---- what was seen

  /** @param {IntersectionObserverEntry[]} entries */
  #inView(entries) {
    for (const { target, intersectionRatio, isIntersecting } of entries) {
      const cell = this.cells.find(({ tile }) => tile === target);
      if (isIntersecting && intersectionRatio >= SEEN_SHARE) cell?.enter();
      else cell?.leave();
    }
    this.#updateSeenSoon();
  }

  // What is in view now counts as seen in a moment.
  #updateSeenSoon() { setTimeout(() => this.onSeen(), SEEN_MS + 10); }

  // Items whose image was loaded and in view, and those of which that cannot be said.
  get seen() {
    const items = (/** @type {boolean} */ wanted) => this.cells.filter((cell) => cell.isSeen === wanted).map(({ item }) => item);
    return { seen: items(true), unseen: items(false) };
  }

  // ---- drawing

  draw() {
    const { page } = this;
    if (!page) return;
    this.cells.forEach((cell, place) => {
      cell.draw(page, { isFocused: place === this.at, isRowSelected: Math.floor(place / this.columns) === this.row });
    });
  }

  /** @param {number} place */
  focus(place, isReaching = false) {
    if (!this.cells.length) return;
    this.at = Math.max(0, Math.min(place, this.cells.length - 1));
    const { tile } = this.cells[this.at];
    if (document.activeElement !== tile) tile.focus({ preventScroll: true });
    if (isReaching) this.#reveal(tile);
    this.draw();
  }

  /** @param {number} right @param {number} down */
  move(right, down) { this.focus(this.at + right + down * this.columns, true); }

  /** @param {number | null} row whose digit was typed */
  selectRow(row) {
    if (this.row === row) return;
    this.row = row;
    this.draw();
    if (row !== null) this.#reveal(this.cells[row * this.columns].tile);
  }

  /** @param {HTMLElement} tile */
  #reveal(tile) {
    if (this.element.scrollHeight > this.element.clientHeight + 1) reveal(tile, this.element);
    else tile.scrollIntoView({ block: 'nearest' });
  }

  // As many columns as make the images largest without scrolling, if they fit at all.
  layout() {
    if (!this.cells.length) return;
    const { top } = this.element.getBoundingClientRect();
    const width = this.element.clientWidth;
    const isPhone = innerWidth <= PHONE;
    const height = Math.max(240, innerHeight - (top + scrollY) - this.#heightBelow - 22);
    const fit = isPhone ? { columns: 3, height: Math.floor(width / 3) } : fitted(this.cells.length, width - 12, height);
    if (this.columns !== fit.columns) this.row = null; // its digit means others now
    this.columns = fit.columns;
    this.cells.forEach(({ code }, place) => code.replaceChildren(...codeOf(place, this.columns)));
    this.element.style.setProperty('--vf-columns', String(fit.columns));
    this.element.style.setProperty('--vf-row', `${fit.height}px`);
    this.element.style.maxHeight = isPhone ? '' : `${height}px`;
    const rows = [];
    for (let first = 0; first < this.cells.length; first += this.columns) {
      rows.push(h('div', { class: 'vf-row', role: 'row' }, ...this.cells.slice(first, first + this.columns).map(({ element }) => element)));
    }
    this.element.replaceChildren(...rows);
  }
}

/** @param {number} count @param {number} width @param {number} height */
function fitted(count, width, height) {
  const scrolling = Math.max(1, Math.floor(width / (SMALLEST + GAP)));
  let best = { columns: scrolling, size: 0, height: Math.floor(width / scrolling / SHAPE) };
  for (let columns = 1; columns <= count; columns += 1) {
    const rows = Math.ceil(count / columns);
    const across = (width - GAP * (columns - 1)) / columns;
    const down = (height - GAP * (rows - 1)) / rows;
    const size = Math.min(across, down * SHAPE);
    if (size > best.size && size >= SMALLEST) best = { columns, size, height: Math.floor(Math.min(down, across)) };
  }
  return best;
}
