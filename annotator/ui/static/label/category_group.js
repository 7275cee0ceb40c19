// The categories of one supercategory: a title, a button for its rest, and in long lists one folded line.

import { h } from '../shared/dom.js';

export class Group {
  constructor(name, rows, { onSweep, onOpen }) {
    Object.assign(this, { name, rows, isFolded: false, onOpen });
    this.sweep = h('button', { class: 'an-rest', type: 'button', tabindex: -1, onclick: () => { onSweep(this); this.sweep.blur(); } });
    this.title = h('div', { class: 'an-group' }, h('span', { text: name, dir: 'auto' }), this.sweep);
    this.line = h('button', { class: 'an-folded', type: 'button', 'aria-expanded': 'false', hidden: true, onclick: () => { this.open(); this.line.blur(); } });
    this.body = h('div', { class: 'an-members' }, ...rows.map((row) => row.element));
    this.element = h('div', { class: 'an-section', role: 'group', 'aria-label': name || 'Other categories' }, this.line, this.title, this.body);
    this.title.classList.toggle('bare', !name);
  }

  get ids() { return this.rows.map((row) => row.category.id); }

  // Only called while no image is looked at, or by the person: rows never move on their own.
  fold(isFolded) {
    this.isFolded = isFolded;
    this.line.hidden = !isFolded;
    this.title.hidden = isFolded;
    this.body.hidden = isFolded;
  }

  open() {
    if (!this.isFolded) return;
    this.fold(false);
    this.onOpen();
  }

  // Whether a row of it may be in a part of the window; a thousand rows are too many to ask each.
  isNear({ top, bottom }) {
    const box = this.element.getBoundingClientRect();
    return !this.isFolded && box.bottom >= top && box.top <= bottom;
  }

  draw(item, pairOf, focus) {
    const open = this.ids.filter((id) => item.isOpen(id)).length;
    if (this.isFolded) this.#say(this.line, `${this.name || 'Other categories'} · ${open} unknown`);
    else for (const row of this.rows) row.draw(pairOf(row.category.id), row === focus);
    this.#say(this.sweep, open ? `✕ rest (${open})` : '');
    this.sweep.hidden = !open || this.rows.length < 2;
    this.sweep.setAttribute('aria-label', `${open} of ${this.name || 'these categories'} are absent`);
  }

  #say(element, text) { if (element.textContent !== text) element.textContent = text; }
}
