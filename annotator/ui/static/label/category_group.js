// The categories of one supercategory: a title, a button for its rest, and in long lists one folded line.

import { h, setText } from '../shared/dom.js';

/** @import { View } from '../shared/dom.js' */
/** @import { CategoryRow } from './category_row.js' */
/** @import { Item, Pair } from './item.js' */

export class CategoryGroup {
  /**
   * @param {string} name
   * @param {CategoryRow[]} rows
   * @param {{ onSweep: (group: CategoryGroup) => void, onOpen: () => void }} listeners
   */
  constructor(name, rows, { onSweep, onOpen }) {
    this.name = name;
    this.rows = rows;
    this.isFolded = false;
    this.onOpen = onOpen;
    this.sweep = h('button', { class: 'an-rest', type: 'button', tabindex: -1, hidden: true, onclick: () => { onSweep(this); this.sweep.blur(); } });
    this.title = h('div', { class: 'an-group' }, h('span', { text: name, dir: 'auto' }), this.sweep);
    this.line = h('button', { class: 'an-folded', type: 'button', 'aria-expanded': 'false', hidden: true, onclick: () => { this.open(); this.line.blur(); } });
    this.body = h('div', { class: 'an-members' }, ...rows.map((row) => row.element));
    this.element = h('div', { class: 'an-section', role: 'group', 'aria-label': name || 'Other categories' }, this.line, this.title, this.body);
    this.isWhole = false; // there is no other group, so its rest is the rest of the image
  }

  get isBare() { return this.isWhole && !this.name; }

  // But for those that stand on top.
  get shownRows() { return this.rows.filter(({ element }) => !element.hidden); }

  get ids() { return this.rows.map((row) => row.category.id); }

  // Only called while no image is looked at, or by the person: rows never move on their own.
  /** @param {boolean} isFolded */
  fold(isFolded) {
    this.isFolded = isFolded;
    this.line.hidden = !isFolded;
    this.title.hidden = isFolded || this.isBare;
    this.body.hidden = isFolded;
  }

  open() {
    if (!this.isFolded) return;
    this.fold(false);
    this.onOpen();
  }

  // Whether a row of it may be in a part of the window; a thousand rows are too many to ask each.
  /** @param {View} view */
  isNear({ top, bottom }) {
    const box = this.element.getBoundingClientRect();
    return !this.isFolded && box.bottom >= top && box.top <= bottom;
  }

  /** @param {Item} item @param {(id: number) => Pair} pairOf @param {CategoryRow | null} focus */
  draw(item, pairOf, focus) {
    const open = this.ids.filter((id) => item.isOpen(id)).length;
    const rest = item.restOf(this.ids).length;
    if (this.isFolded) setText(this.line, `${this.name || 'Other categories'} · ${open} unknown`);
    else for (const row of this.rows) row.draw(pairOf(row.category.id), row === focus);
    setText(this.sweep, rest ? `✕ rest (${rest})` : '');
    this.sweep.hidden = this.isWhole || !rest || this.rows.length < 2;
    this.sweep.setAttribute('aria-label', `${rest} of ${this.name || 'these categories'} are absent`);
  }
}
