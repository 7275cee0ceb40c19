// A list of any length of which only the rows near the view are in the document.

import { h } from '../shared/dom.js';

const HIGHEST = 8e6; // pixels; browsers know no boxes of more than some ten millions
const AROUND = 2; // rows that are drawn above and below the view
const FAST = 3; // pixels a millisecond from which on images are not loaded
const REST_MS = 90; // after which what fast scrolling has come to is loaded

/** @typedef {{ element: HTMLElement, load: () => void, drop: () => void, at: number }} DrawnRow */

export class VirtualList {
  /** @param {{ makeRow: (row: number) => DrawnRow, onView: () => void }} listeners `onView`: other rows are in view */
  constructor({ makeRow, onView }) {
    this.makeRow = makeRow;
    this.onView = onView;
    this.rows = h('div', { class: 'im-rows', role: 'rowgroup' });
    this.sizer = h('div', { class: 'im-sizer', role: 'presentation' }, this.rows);
    this.box = h('div', { class: 'im-box' }, this.sizer);
    /** @type {Map<number, DrawnRow>} */
    this.drawn = new Map();
    this.count = 0; // rows
    this.rowHeight = 1;
    this.kept = -1; // a row that stays in the document, as its image has the focus
    this.last = { top: 0, at: 0 };
    /** @type {number | null} */
    this.frame = null;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.timer = undefined;
    this.box.addEventListener('scroll', () => this.#soon(), { passive: true });
  }

  // How far down the list the view is, in pixels of the list; the box itself may be less high.
  get top() {
    const { scrollTop, clientHeight } = this.box;
    return this.#inner <= HIGHEST ? scrollTop : (scrollTop / (HIGHEST - clientHeight)) * (this.#inner - clientHeight);
  }

  get #inner() { return this.count * this.rowHeight; }

  // First and last row that can be seen whole or in part.
  get view() {
    const first = Math.floor(this.top / this.rowHeight);
    return [first, Math.min(this.count - 1, Math.floor((this.top + this.box.clientHeight - 1) / this.rowHeight))];
  }

  // How many rows fit into the view.
  get page() { return Math.max(1, Math.floor(this.box.clientHeight / this.rowHeight)); }

  /** @param {number} count of rows @param {number} rowHeight in pixels */
  layout(count, rowHeight) {
    this.count = count;
    this.rowHeight = rowHeight;
    this.sizer.style.height = `${Math.min(this.#inner, HIGHEST)}px`;
    this.clear();
    this.draw();
  }

  clear() {
    for (const row of this.drawn.values()) row.drop();
    this.drawn.clear();
    this.rows.replaceChildren();
  }

  #soon() {
    this.frame ??= requestAnimationFrame(() => {
      this.frame = null;
      this.draw();
    });
  }

  draw() {
    if (!this.count || !this.box.clientHeight) return;
    const { top, drawn } = this;
    const [first, last] = this.view;
    const from = Math.max(0, first - AROUND);
    const to = Math.min(this.count - 1, last + AROUND);
    for (const [row, each] of drawn) {
      if ((row >= from && row <= to) || row === this.kept) continue;
      each.drop();
      each.element.remove();
      drawn.delete(row);
    }
    const shift = this.box.scrollTop - top;
    for (let row = from; row <= to; row += 1) this.#place(row, shift);
    if (this.kept >= 0 && this.kept < this.count) this.#place(this.kept, shift);
    this.#load(top);
    this.onView();
  }

  /** @param {number} row @param {number} shift */
  #place(row, shift) {
    let each = this.drawn.get(row);
    if (!each) {
      each = this.makeRow(row);
      this.drawn.set(row, each);
      this.rows.append(each.element);
    }
    const at = row * this.rowHeight + shift;
    if (each.at !== at) each.element.style.transform = `translateY(${at}px)`;
    each.at = at;
  }

  // Nobody can look at what flies past, and the server would make it all.
  /** @param {number} top */
  #load(top) {
    const now = performance.now();
    const speed = Math.abs(top - this.last.top) / Math.max(1, now - this.last.at);
    this.last = { top, at: now };
    clearTimeout(this.timer);
    const load = () => { for (const row of this.drawn.values()) row.load(); };
    if (speed < FAST) load();
    else this.timer = setTimeout(load, REST_MS);
  }

  // Scroll as far as it takes to see a row.
  /** @param {number} row */
  reveal(row) {
    const { top, rowHeight, box: { clientHeight } } = this;
    const at = row * rowHeight;
    if (at < top) this.#scrollTo(at);
    else if (at + rowHeight > top + clientHeight) this.#scrollTo(at + rowHeight - clientHeight);
    this.draw();
  }

  /** @param {number} top */
  #scrollTo(top) {
    const { clientHeight } = this.box;
    this.box.scrollTop = this.#inner <= HIGHEST ? top : (top / (this.#inner - clientHeight)) * (HIGHEST - clientHeight);
    this.last = { top: this.top, at: 0 };
  }
}
