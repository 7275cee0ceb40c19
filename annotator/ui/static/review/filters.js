// The filters above the list: ordinary selects, kept in the address so that a list can be shared.

import { h } from '../shared/dom.js';

const SHOW = { errors: 'Likely label errors', all: 'All answers', conflicts: 'People disagree', flags: 'Flagged images' };
const STATES = { present: 'present', absent: 'absent', unsure: 'cannot tell', conflict: 'people disagree' };
const SOURCES = {
  human: 'said by hand', accepted: 'accepted a suggestion', accepted_in_bulk: 'accepted in bulk', rejected: 'rejected a suggestion',
  swept: 'rest absent', imported: 'imported', review: 'decided in review',
};
const NUMBERS = ['category', 'annotator', 'version'];
const TYPING_MS = 250;

export class Filters {
  constructor({ onChange, onLeave }) {
    Object.assign(this, { onChange, onLeave, fields: new Map() });
    this.element = h('form', { class: 'rv-filters', role: 'search', 'aria-label': 'Filters', onsubmit: (event) => { event.preventDefault(); onLeave(); } });
    this.element.addEventListener('keydown', (event) => {
      if (event.key !== 'Escape') return;
      event.stopPropagation();
      onLeave();
    });
  }

  build({ categories, annotators, sources, versions, version }) {
    this.usual = version === null ? 'all' : 'errors';
    this.#select('show', 'Show', Object.entries(SHOW), null);
    this.#select('category', 'Category', categories.map(({ id, name, supercategory }) => [id, name, supercategory]), 'all categories');
    this.#select('state', 'Label', Object.entries(STATES), 'any');
    this.#select('annotator', 'By', annotators.map(({ id, name }) => [id, name]), 'anybody');
    this.#select('source', 'How', sources.map((source) => [source, SOURCES[source] ?? source]), 'in any way');
    this.#select('version', 'On version', [...versions.map((number) => [number, `version ${number}`]), [0, 'none']], 'any');
    const name = h('input', { class: 'an-find', type: 'search', name: 'name', autocomplete: 'off', maxlength: 200 });
    name.addEventListener('input', () => {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => onceChanged(this), TYPING_MS);
    });
    this.#add('name', 'File name has', name);
  }

  #select(name, label, options, any) {
    const select = h('select', { name, class: 'rv-select', onchange: () => onceChanged(this) });
    if (any) select.append(h('option', { value: '', text: any }));
    const groups = new Map();
    for (const [value, text, group] of options) {
      if (group && !groups.has(group)) groups.set(group, select.appendChild(h('optgroup', { label: group })));
      (groups.get(group) ?? select).append(h('option', { value, text }));
    }
    this.#add(name, label, select);
  }

  #add(name, label, field) {
    this.fields.set(name, { label, field });
    this.element.append(h('label', { class: `rv-field rv-${name}` }, h('span', { text: label }), field));
  }

  // How many there are, beside the names of the lists.
  count(counts) {
    for (const option of this.fields.get('show').field.options) {
      const number = counts[option.value];
      option.textContent = number === undefined ? SHOW[option.value] : `${SHOW[option.value]} (${number})`;
    }
  }

  enter() { this.fields.get('show').field.focus(); }

  // As the server wants them.
  get values() {
    const found = {};
    for (const [name, { field }] of this.fields) if (field.value !== '') found[name] = NUMBERS.includes(name) ? Number(field.value) : field.value;
    return found;
  }

  // What narrows the list, as [name, label, text].
  get narrowing() {
    return [...this.fields].filter(([name, { field }]) => name !== 'show' && field.value !== '')
      .map(([name, { label, field }]) => [name, label, field.selectedOptions?.[0].textContent ?? field.value]);
  }

  clear(name) {
    this.fields.get(name).field.value = '';
    onceChanged(this);
  }

  show(list) {
    this.fields.get('show').field.value = list;
    onceChanged(this);
  }

  get hash() { return String(new URLSearchParams(this.values)); }

  fromHash(hash) {
    const said = new URLSearchParams(hash.replace(/^#/, ''));
    for (const [name, { field }] of this.fields) {
      field.value = said.get(name) ?? (name === 'show' ? this.usual : '');
      if (field.value === '' && name === 'show') field.value = this.usual; // a list that does not exist
    }
  }
}

function onceChanged(filters) {
  clearTimeout(filters.timer);
  filters.onChange();
}
