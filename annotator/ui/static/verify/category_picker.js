// Choosing the category: a button that opens a list with a search field, the most rewarding first.

import { CategoryNames } from '../shared/category_names.js';
import { formatNumber, h } from '../shared/dom.js';
import { CategoryOrder } from './category_order.js';

export class CategoryPicker {
  /** @param {{ onPick: (category: number) => void }} listeners */
  constructor({ onPick }) {
    this.onPick = onPick;
    this.order = new CategoryOrder([], {});
    this.names = new CategoryNames([]);
    /** @type {number[]} */
    this.shown = [];
    this.at = 0;
    /** @type {number | null} */
    this.current = null;
    this.name = h('b', { dir: 'auto' });
    this.openCount = h('span', { class: 'vf-counts' });
    this.button = h('button', { class: 'an-btn vf-category', type: 'button', 'aria-haspopup': 'listbox', 'aria-expanded': 'false' },
      this.name, this.openCount, h('kbd', { text: '/', 'aria-hidden': 'true' }));
    this.input = h('input', {
      class: 'an-find', type: 'search', placeholder: 'Find a category', role: 'combobox', 'aria-label': 'Find a category', 'aria-expanded': 'true',
      'aria-controls': 'vf-categories', autocomplete: 'off', autocapitalize: 'off', spellcheck: 'false', dir: 'auto',
    });
    this.list = h('div', { class: 'vf-list', role: 'listbox', id: 'vf-categories', 'aria-label': 'Categories' });
    this.box = h('div', { class: 'vf-picker', hidden: true }, this.input, this.list);
    this.element = h('div', { class: 'vf-choose' }, this.button, this.box);
    this.#listen();
  }

  #listen() {
    this.button.addEventListener('click', () => (this.box.hidden ? this.open() : this.close()));
    this.input.addEventListener('input', () => this.#filter());
    this.input.addEventListener('keydown', (event) => this.#key(event));
    this.element.addEventListener('focusout', (event) => {
      if (!(event.relatedTarget instanceof Node) || !this.element.contains(event.relatedTarget)) this.close();
    });
  }

  /** @param {CategoryOrder} order */
  use(order) {
    this.order = order;
    this.names = new CategoryNames(order.categories);
  }

  /** @param {number} id */
  show(id) {
    this.current = id;
    this.name.textContent = this.order.nameOf(id);
    this.openCount.textContent = `${formatNumber(this.order.of(id).open ?? 0)} open`;
    this.button.setAttribute('aria-label', `Category ${this.name.textContent}, ${this.openCount.textContent}; choose another`);
  }

  open() {
    this.box.hidden = false;
    this.button.setAttribute('aria-expanded', 'true');
    this.input.value = '';
    this.#filter();
    this.input.focus();
  }

  close() {
    this.box.hidden = true;
    this.button.setAttribute('aria-expanded', 'false');
  }

  #filter() {
    const text = this.input.value.trim();
    this.shown = text ? this.names.matching(text) : this.order.ids;
    this.at = text ? 0 : Math.max(0, this.shown.indexOf(this.current ?? 0));
    this.list.replaceChildren(...this.shown.map((id, place) => this.#option(id, place)));
    if (!this.shown.length) this.list.append(h('p', { class: 'an-nothing', text: 'No category has this in its name.' }));
    this.#mark();
  }

  /** @param {number} id @param {number} place */
  #option(id, place) {
    const { suggested, uncertain, open } = this.order.of(id);
    const counts = [suggested && `${formatNumber(suggested)} likely`, uncertain && `${formatNumber(uncertain)} uncertain`, open ? `${formatNumber(open)} open` : 'all done'];
    const option = h('div', { class: 'vf-option', role: 'option', id: `vf-category-${id}` },
      h('span', { text: this.order.nameOf(id), dir: 'auto' }), h('small', { text: this.order.byId.get(id)?.supercategory, dir: 'auto' }),
      h('small', { class: 'vf-told', text: counts.filter(Boolean).join(' · ') }));
    option.addEventListener('pointerdown', (event) => event.preventDefault()); // the field keeps the focus
    option.addEventListener('click', () => this.#pick(place));
    return option;
  }

  #mark() {
    [...this.list.children].forEach((option, place) => option.setAttribute('aria-selected', String(place === this.at)));
    const marked = this.list.children[this.at];
    this.input.setAttribute('aria-activedescendant', marked?.id ?? '');
    marked?.scrollIntoView?.({ block: 'nearest' });
  }

  /** @param {number} place */
  #pick(place) {
    const id = this.shown[place];
    if (id === undefined) return;
    this.close();
    this.input.blur();
    this.onPick(id);
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const { key } = event;
    if (event.isComposing) return;
    const step = key === 'ArrowDown' ? 1 : key === 'ArrowUp' ? -1 : 0;
    if (step) {
      this.at = (this.at + step + this.shown.length) % Math.max(1, this.shown.length);
      this.#mark();
    } else if (key === 'Enter') this.#pick(this.at);
    else if (key === 'Escape') { this.close(); this.input.blur(); } else return;
    event.preventDefault();
    event.stopPropagation();
  }
}
