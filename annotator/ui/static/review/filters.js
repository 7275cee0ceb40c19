// The filters above the list: ordinary selects, kept in the address so that a list can be shared.

import { h } from '../shared/dom.js';
import { FilterToggle } from '../shared/filter_toggle.js';

/** @import { Category, ReviewStart } from '../shared/wire.d.ts' */
/** @import { FilterValues } from './review_state.js' */

/** @typedef {[string | number, string, string?]} Option its value, its text, and the group it is in */

/** @type {Record<string, string | undefined>} */
const SHOW = { errors: 'Likely label errors', all: 'All answers', conflicts: 'People disagree', checks: 'Checks that differ', flags: 'Flagged images' };
const STATES = { present: 'present', absent: 'absent', unsure: 'cannot tell', conflict: 'people disagree' };
const SOURCES = {
  human: 'answered by hand', accepted: 'accepted a suggestion', accepted_in_bulk: 'accepted in bulk', rejected: 'rejected a suggestion',
  swept: 'rest absent', imported: 'imported', review: 'decided in review',
};
const NUMBERS = ['category', 'annotator', 'version'];
const TYPING_MS = 250;

export class Filters {
  /** @param {{ onChange: () => void, onLeave: () => void }} listeners */
  constructor({ onChange, onLeave }) {
    this.onChange = onChange;
    /** @type {Map<string, { label: string, field: HTMLSelectElement | HTMLInputElement }>} */
    this.fields = new Map();
    this.usual = 'all'; // what is listed if nothing is chosen
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.timer = undefined;
    this.show = h('select', { name: 'show', class: 'rv-select', onchange: () => this.#changed() });
    this.element = h('form', { class: 'rv-filters', role: 'search', 'aria-label': 'Filters', onsubmit: (/** @type {Event} */ event) => { event.preventDefault(); onLeave(); } });
    this.toggle = new FilterToggle(this.element);
    this.element.addEventListener('keydown', (event) => {
      if (event.key !== 'Escape') return;
      event.stopPropagation();
      onLeave();
    });
  }

  #changed() {
    clearTimeout(this.timer);
    this.#countUsed();
    this.onChange();
  }

  #countUsed() { this.toggle.count(this.narrowing.length); }

  /** @param {ReviewStart} start */
  build({ categories, annotators, sources, versions, version }) {
    this.usual = version === null ? 'all' : 'errors';
    this.show.append(...Object.entries(SHOW).map(([value, text]) => h('option', { value, text })));
    this.#add('show', 'Show', this.show);
    this.element.append(this.toggle.element);
    this.#select('category', 'Category', categoryOptions(categories), 'all categories');
    this.#select('state', 'Label', Object.entries(STATES), 'any');
    this.#select('annotator', 'By', annotators.map(({ id, name }) => [id, name]), 'anyone');
    this.#select('source', 'How', sources.map((source) => [source, SOURCES[source] ?? source]), 'in any way');
    this.#select('version', 'On version', [...versions.map((number) => /** @type {Option} */ ([number, `version ${number}`])), [0, 'none']], 'any');
    const name = h('input', { class: 'an-find', type: 'search', name: 'name', autocomplete: 'off', maxlength: 200 });
    name.addEventListener('input', () => {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.#changed(), TYPING_MS);
    });
    this.#add('name', 'File name has', name);
  }

  // What was chosen stays, where it still is one.
  /** @param {Category[]} categories */
  useCategories(categories) {
    const select = /** @type {HTMLSelectElement} */ (this.fields.get('category')?.field);
    const { value } = select;
    fill(select, categoryOptions(categories), 'all categories');
    select.value = categories.some(({ id }) => String(id) === value) ? value : '';
  }

  /** @param {string} name @param {string} label @param {Option[]} options @param {string} any what the empty choice says */
  #select(name, label, options, any) {
    const select = h('select', { name, class: 'rv-select', onchange: () => this.#changed() });
    fill(select, options, any);
    this.#add(name, label, select);
  }

  /** @param {string} name @param {string} label @param {HTMLSelectElement | HTMLInputElement} field */
  #add(name, label, field) {
    this.fields.set(name, { label, field });
    this.element.append(h('label', { class: `rv-field rv-${name}` }, h('span', { text: label }), field));
  }

  // How many there are, beside the names of the lists.
  /** @param {Record<string, number>} counts */
  count(counts) {
    for (const option of this.show.options) {
      const number = counts[option.value];
      option.textContent = number === undefined ? SHOW[option.value] ?? '' : `${SHOW[option.value]} (${number})`;
    }
  }

  enter() { this.show.focus(); }

  // As the server wants them.
  get values() {
    /** @type {FilterValues} */
    const found = {};
    for (const [name, { field }] of this.fields) if (field.value !== '') found[name] = NUMBERS.includes(name) ? Number(field.value) : field.value;
    return found;
  }

  // What narrows the list.
  get narrowing() {
    const used = [...this.fields].filter(([name, { field }]) => name !== 'show' && field.value !== '');
    return used.map(([name, { label, field }]) => ({
      name, label, value: field instanceof HTMLSelectElement ? field.selectedOptions[0].textContent ?? '' : field.value,
    }));
  }

  /** @param {string} name */
  clear(name) {
    const found = this.fields.get(name);
    if (found) found.field.value = '';
    this.#changed();
  }

  /** @param {string} list */
  showList(list) {
    this.show.value = list;
    this.#changed();
  }

  get hash() { return String(new URLSearchParams(Object.entries(this.values).map(([name, value]) => [name, String(value)]))); }

  /** @param {string} hash */
  fromHash(hash) {
    const wanted = new URLSearchParams(hash.replace(/^#/, ''));
    for (const [name, { field }] of this.fields) field.value = wanted.get(name) ?? '';
    if (this.show.value === '') this.show.value = this.usual; // none, or a list that does not exist
    this.#countUsed();
  }
}

/** @param {Category[]} categories @returns {Option[]} */
const categoryOptions = (categories) => categories.map(({ id, name, supercategory }) => [id, name, supercategory]);

/** @param {HTMLSelectElement} select @param {Option[]} options @param {string} any */
function fill(select, options, any) {
  select.replaceChildren(h('option', { value: '', text: any }));
  /** @type {Map<string, HTMLElement>} */
  const groups = new Map();
  for (const [value, text, group] of options) {
    if (group && !groups.has(group)) groups.set(group, select.appendChild(h('optgroup', { label: group })));
    (groups.get(group ?? '') ?? select).append(h('option', { value, text }));
  }
}
