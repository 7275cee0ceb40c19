// Choosing the category: a button that opens a list with a search field, the most rewarding first.

import { h } from '../shared/dom.js';
import { Names } from '../shared/category_names.js';

const number = (n) => Number(n).toLocaleString('en');

export class Picker {
  constructor({ onPick }) {
    Object.assign(this, { onPick, categories: [], counts: {}, order: [], shown: [], at: 0, current: null });
    this.name = h('b', { dir: 'auto' });
    this.says = h('span', { class: 'vf-counts' });
    this.button = h('button', { class: 'an-btn vf-category', type: 'button', 'aria-haspopup': 'listbox', 'aria-expanded': 'false' },
      this.name, this.says, h('kbd', { text: '/', 'aria-hidden': 'true' }));
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
      if (!this.element.contains(event.relatedTarget)) this.close();
    });
  }

  // The order stays while the page is open, so that N and P lead to the same places.
  use(categories, counts) {
    this.categories = categories;
    this.byId = new Map(categories.map((category) => [category.id, category]));
    this.names = new Names(categories);
    this.counts = counts;
    this.order = [...categories].sort((one, other) => this.#worth(other.id) - this.#worth(one.id)).map(({ id }) => id);
  }

  // What waits to be confirmed brings most: presents are rare and worth many absents.
  #worth(id) {
    const { suggested, uncertain, open } = this.counts[id] ?? {};
    return (suggested ?? 0) * 1e6 + (uncertain ?? 0) + (open ?? 0) * 1e-6;
  }

  count(id, what) { return this.counts[id]?.[what] ?? null; }

  // Answers given on this page, before the server has counted them.
  move(id, { open = 0, suggested = 0, uncertain = 0, present = 0 }) {
    const row = this.counts[id];
    if (!row) return;
    for (const [what, step] of Object.entries({ open, suggested, uncertain, present })) {
      if (row[what] != null) row[what] = Math.max(0, row[what] + step);
    }
    this.show(this.current);
  }

  show(id) {
    this.current = id;
    this.name.textContent = this.byId.get(id)?.name ?? '';
    this.says.textContent = `${number(this.count(id, 'open') ?? 0)} open`;
    this.button.setAttribute('aria-label', `Category ${this.name.textContent}, ${this.says.textContent}; choose another`);
  }

  // The category some steps on in the order, round and round; those with nothing of that sort are passed over.
  neighbour(step, has = () => true) {
    const { order } = this;
    const start = order.indexOf(this.current);
    for (let far = 1; far < order.length; far += 1) {
      const id = order[(start + step * far + order.length * far) % order.length];
      if (has(this.counts[id] ?? {})) return id;
    }
    return null;
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
    this.shown = text ? this.names.matching(text) : this.order;
    this.at = text ? 0 : Math.max(0, this.shown.indexOf(this.current));
    this.list.replaceChildren(...this.shown.map((id, place) => this.#option(id, place)));
    if (!this.shown.length) this.list.append(h('p', { class: 'an-nothing', text: 'No category of that name.' }));
    this.#mark();
  }

  #option(id, place) {
    const { name, supercategory } = this.byId.get(id);
    const { suggested, uncertain, open } = this.counts[id] ?? {};
    const told = [suggested && `${number(suggested)} likely`, uncertain && `${number(uncertain)} uncertain`, open ? `${number(open)} open` : 'all done'];
    const option = h('div', { class: 'vf-option', role: 'option', id: `vf-category-${id}` },
      h('span', { text: name, dir: 'auto' }), h('small', { text: supercategory, dir: 'auto' }), h('small', { class: 'vf-told', text: told.filter(Boolean).join(' · ') }));
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

  #pick(place) {
    const id = this.shown[place];
    if (id === undefined) return;
    this.close();
    this.input.blur();
    this.onPick(id);
  }

  #key(event) {
    const { key } = event;
    if (event.isComposing) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[key];
    if (step) {
      this.at = (this.at + step + this.shown.length) % Math.max(1, this.shown.length);
      this.#mark();
    } else if (key === 'Enter') this.#pick(this.at);
    else if (key === 'Escape') { this.close(); this.input.blur(); } else return;
    event.preventDefault();
    event.stopPropagation();
  }
}
