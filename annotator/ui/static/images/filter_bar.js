// What is listed and how: a line of words, and fields for those who do not know the words. Both say the
// same; the line is in the address, so that a list can be shared.

import { CategoryNames } from '../shared/category_names.js';
import { h } from '../shared/dom.js';
import { FilterToggle } from '../shared/filter_toggle.js';
import { likenessText } from './compared.js';
import { Completion } from './completion.js';
import { quoted, replaced, valueOf } from './filter_text.js';

/** @import { Category, ListStart, Order } from '../shared/wire.d.ts' */
/** @import { Wanted } from './images_state.js' */

/** @type {[string, string][]} */
const STATES = [['present', 'present'], ['absent', 'absent'], ['unknown', 'unknown'], ['unsure', 'cannot tell'], ['conflict', 'people disagree'], ['suggested', 'suggested'], ['uncertain', 'uncertain']];
const OF_CATEGORY = STATES.map(([name]) => name);
/** @type {[string, string][]} */
const DONE = [
  ['is:done', 'done'], ['is:partly', 'partly known'], ['is:untouched', 'untouched'], ['mine:done', 'done by me'], ['mine:partly', 'partly known, by me'],
  ['mine:untouched', 'untouched by me'], ['is:flagged', '⚑ flagged'], ['is:bookmarked', '★ bookmarked'],
  ['is:duplicate', '≈ near duplicates'],
];

export class FilterBar {
  /** @param {{ onChange: () => void, onLeave: () => void }} listeners */
  constructor({ onChange, onLeave }) {
    this.onChange = onChange;
    this.line = h('input', {
      class: 'an-find', type: 'search', name: 'filter', autocomplete: 'off', autocapitalize: 'off', spellcheck: 'false', dir: 'auto', maxlength: 100000,
      'aria-label': 'Filter', 'aria-describedby': 'im-problem', placeholder: 'Name, or present:cat',
    });
    this.completion = new Completion(this.line);
    this.problem = h('p', { class: 'im-problem', id: 'im-problem', role: 'alert' });
    this.category = this.#select('category', () => this.#pickCategory());
    this.state = this.#select('state', () => this.#pickCategory());
    this.done = this.#select('done', () => this.#pickDone());
    this.by = this.#select('by', () => this.#write(['by'], this.by.value && `by:${quoted(this.by.value)}`));
    this.folder = this.#select('folder', () => this.#write(['folder'], this.folder.value && `folder:${quoted(this.folder.value)}`));
    this.sort = this.#select('sort', () => this.#changed());
    this.element = h('form', { class: 'im-filters', role: 'search', 'aria-label': 'Filters' });
    this.toggle = new FilterToggle(this.element);
    this.element.append(
      h('div', { class: 'im-line-field' }, this.completion.element, h('kbd', { text: '/', 'aria-hidden': 'true' })), this.toggle.element, this.#field('Category', this.category), this.#field('Its state', this.state),
      this.#field('Done', this.done), this.#field('By', this.by), this.#field('Folder', this.folder), this.#field('Sort', this.sort), this.problem);
    this.element.addEventListener('submit', (event) => { event.preventDefault(); this.#submit(); onLeave(); });
    this.line.addEventListener('change', () => this.#submit());
    this.element.addEventListener('keydown', (event) => {
      if (event.key !== 'Escape') return;
      event.stopPropagation();
      onLeave();
    });
    this.applied = ''; // the line that is listed
    /** @type {Category[]} */
    this.categories = [];
    /** @type {Order[]} */
    this.sorts = [];
  }

  /** @param {string} name @param {() => void} onChange */
  #select(name, onChange) { return h('select', { name, class: 'im-select', onchange: onChange }); }

  /** @param {string} label @param {HTMLElement} field */
  #field(label, field) { return h('label', { class: 'im-field' }, h('span', { text: label }), field); }

  /** @param {ListStart} start */
  build({ categories, fields, people, folders, sorts }) {
    fill(this.state, STATES, 'any');
    fill(this.done, DONE, 'any');
    fill(this.by, [['me', 'me'], ...people.map((name) => /** @type {[string, string]} */ ([name, name]))], 'anyone');
    fill(this.folder, folders.map((name) => [name, name]), 'all folders');
    this.folder.parentElement?.toggleAttribute('hidden', !folders.length);
    this.sorts = sorts.filter(({ name }) => name !== 'file');
    this.completion.use({ fields, people, folders });
    this.useCategories(categories);
  }

  /** @param {Category[]} categories */
  useCategories(categories) {
    const { value } = this.category;
    this.categories = categories;
    fill(this.category, categories.map(({ id, name }) => [String(id), name]), 'none');
    this.category.value = categories.some(({ id }) => String(id) === value) ? value : '';
    this.completion.useNames(new CategoryNames(categories), categories);
  }

  #submit() {
    if (this.line.value.trim() !== this.applied) this.#changed();
  }

  #changed() {
    this.completion.close();
    this.onChange();
  }

  /** @param {string[]} fields @param {string} word */
  #write(fields, word) {
    this.line.value = replaced(this.line.value, fields, word);
    this.#changed();
  }

  #pickCategory() {
    const name = this.#name(this.category.value);
    const word = name && this.state.value ? `${this.state.value}:${quoted(name)}` : '';
    const sort = this.wanted.sort.replace(/:.*/, '');
    this.line.value = replaced(this.line.value, OF_CATEGORY, word);
    this.#fillSort(sort && ['score', 'doubt'].includes(sort.replace('-', '')) && name ? `${sort}:${quoted(name)}` : this.sort.value);
    this.#changed();
  }

  // Near duplicates are of use side by side.
  #pickDone() {
    const [from, to] = this.done.value === 'is:duplicate' ? ['', 'duplicates'] : ['duplicates', ''];
    if (this.sort.value === from) this.#fillSort(to);
    this.#write(['is', 'mine'], this.done.value);
  }

  /** @param {string} id */
  #name(id) { return this.categories.find((each) => String(each.id) === id)?.name ?? ''; }

  // A score belongs to the category that the list is about.
  /** @param {string} value */
  #fillSort(value) {
    const name = this.#name(this.category.value);
    /** @type {[string, string][]} */
    const options = this.sorts.flatMap(({ name: by, text }) => {
      if ((by === 'score' && !name) || by === 'like') return [];
      const of = by === 'score' || (by === 'doubt' && name) ? `${by}:${quoted(name)}` : by;
      return [[of, by === 'score' ? `${name}: ${text}` : text]];
    });
    if (value && !options.some(([of]) => of === value)) options.push([value, likenessText(value) || value]);
    fill(this.sort, options, 'order of the project');
    this.sort.value = value;
  }

  // The other way round, or by something else.
  /** @param {string} by */
  sortBy(by) {
    const name = this.#name(this.category.value);
    if (by === 'score' && !name) return;
    const value = by === 'score' ? `score:${quoted(name)}` : by;
    this.#fillSort(this.sort.value === value ? `-${value}` : value);
    this.#changed();
  }

  enter() {
    this.line.focus();
    this.line.select();
  }

  /** @returns {Wanted} */
  get wanted() {
    return { filter: this.line.value.trim(), sort: this.sort.value, category: Number(this.category.value) || null };
  }

  /** @param {Wanted} wanted */
  show({ filter, sort, category }) {
    this.line.value = filter;
    this.applied = filter;
    const named = valueOf(filter, OF_CATEGORY);
    this.category.value = String(category ?? '');
    this.state.value = named && named.value.toLowerCase() === this.#name(this.category.value).toLowerCase() ? named.field : '';
    const done = valueOf(filter, ['is', 'mine']);
    this.done.value = done ? `${done.field}:${done.value}` : '';
    this.by.value = valueOf(filter, ['by'])?.value ?? '';
    this.folder.value = valueOf(filter, ['folder'])?.value ?? '';
    for (const select of [this.done, this.by, this.folder, this.category, this.state]) if (select.selectedIndex < 0) select.value = '';
    this.#fillSort(sort);
    this.toggle.count([this.category, this.done, this.by, this.folder, this.sort].filter(({ value }) => value).length);
  }

  /** @param {string} text */
  complain(text) { this.problem.textContent = text; }
}

/** @param {HTMLSelectElement} select @param {[string, string][]} options @param {string} any what the empty choice says */
function fill(select, options, any) {
  select.replaceChildren(h('option', { value: '', text: any }), ...options.map(([value, text]) => h('option', { value, text })));
}
