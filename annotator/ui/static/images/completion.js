// What the word at the end of the filter line may become: a field, or a value of its field.

import { CategoryNames, plain } from '../shared/category_names.js';
import { h } from '../shared/dom.js';
import { quoted, words } from './filter_text.js';

/** @import { Category, FilterField } from '../shared/wire.d.ts' */

/** @typedef {{ text: string, note: string }} Choice what the word becomes, and what it means */

const MOST = 8;
const TIMES = ['today', '24h', '7d', '4w'];

export class Completion {
  /** @param {HTMLInputElement} input */
  constructor(input) {
    this.input = input;
    /** @type {FilterField[]} */
    this.fields = [];
    /** @type {string[]} */
    this.people = [];
    /** @type {string[]} */
    this.folders = [];
    this.names = new CategoryNames([]);
    /** @type {Map<number, string>} */
    this.nameOf = new Map();
    /** @type {Choice[]} */
    this.choices = [];
    this.at = -1;
    this.list = h('div', { class: 'im-choices', role: 'listbox', id: 'im-choices', 'aria-label': 'Words of the filter', hidden: true });
    this.element = h('div', { class: 'im-complete' }, input, this.list);
    for (const [name, value] of Object.entries({ role: 'combobox', 'aria-expanded': 'false', 'aria-controls': 'im-choices', 'aria-autocomplete': 'list' })) input.setAttribute(name, value);
    input.addEventListener('input', () => this.#offer());
    input.addEventListener('focus', () => this.#offer());
    input.addEventListener('blur', () => this.close());
    input.addEventListener('keydown', (event) => this.#key(event));
  }

  /** @param {{ fields: FilterField[], people: string[], folders: string[] }} known */
  use({ fields, people, folders }) {
    this.fields = fields;
    this.people = people;
    this.folders = folders;
  }

  /** @param {CategoryNames} names @param {Category[]} categories */
  useNames(names, categories) {
    this.names = names;
    this.nameOf = new Map(categories.map(({ id, name }) => [id, name]));
  }

  close() {
    this.list.hidden = true;
    this.at = -1;
    this.input.setAttribute('aria-expanded', 'false');
    this.input.removeAttribute('aria-activedescendant');
  }

  // The word before the caret, with where it begins.
  get #word() {
    const before = this.input.value.slice(0, this.input.selectionStart ?? 0);
    const last = words(before).at(-1);
    return last && last.index + last.word.length === before.length ? last : { word: '', index: before.length };
  }

  #offer() {
    this.choices = this.#choicesFor(this.#word.word).slice(0, MOST);
    this.at = -1;
    if (!this.choices.length) {
      this.close();
      return;
    }
    this.list.replaceChildren(...this.choices.map(({ text, note }, place) => {
      const option = h('div', { class: 'im-choice', role: 'option', id: `im-choice-${place}`, 'aria-selected': 'false' }, h('b', { text, dir: 'auto' }), h('small', { text: note }));
      option.addEventListener('pointerdown', (event) => event.preventDefault()); // the field keeps the focus
      option.addEventListener('click', () => this.#take(place));
      return option;
    }));
    this.list.hidden = false;
    this.input.setAttribute('aria-expanded', 'true');
  }

  /** @param {string} word @returns {Choice[]} */
  #choicesFor(word) {
    const minus = word.startsWith('-') ? '-' : '';
    const rest = word.slice(minus.length);
    const at = rest.indexOf(':');
    if (at < 0) return this.fields.filter(({ name }) => name.startsWith(rest.toLowerCase())).map(({ name, text }) => ({ text: `${minus}${name}:`, note: text }));
    const field = this.fields.find(({ name }) => name === rest.slice(0, at).toLowerCase());
    if (!field) return [];
    const value = rest.slice(at + 1).replace(/^"/, '');
    return this.#values(field, value).map((each) => ({ text: `${minus}${field.name}:${quoted(each)}`, note: '' }));
  }

  /** @param {FilterField} field @param {string} value */
  #values({ kind, name, choices }, value) {
    const wanted = plain(value);
    const all = { person: ['me', ...this.people], choice: choices, time: TIMES, text: name === 'folder' ? this.folders : [] }[kind];
    if (kind !== 'category') return (all ?? []).filter((each) => plain(each).startsWith(wanted));
    const ids = wanted ? this.names.matching(value) : [...this.nameOf.keys()];
    return ids.map((id) => this.nameOf.get(id) ?? '');
  }

  /** @param {number} place */
  #take(place) {
    const { input } = this;
    const { word, index } = this.#word;
    const { text } = this.choices[place];
    const after = input.value.slice(index + word.length);
    const isWhole = !text.endsWith(':');
    input.value = `${input.value.slice(0, index)}${text}${isWhole ? ' ' : ''}${after.trimStart()}`;
    const caret = index + text.length + Number(isWhole);
    input.setSelectionRange(caret, caret);
    this.#offer();
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const { key } = event;
    const step = { ArrowDown: 1, ArrowUp: -1 }[key];
    if (event.isComposing || this.list.hidden) return;
    if (step) {
      this.at = (this.at + step + this.choices.length + 1) % (this.choices.length + 1);
      if (this.at === this.choices.length) this.at = -1;
      this.#mark();
    } else if (key === 'Tab' && !event.shiftKey && this.#word.word) this.#take(Math.max(0, this.at));
    else if (key === 'Enter' && this.at >= 0) this.#take(this.at);
    else if (key === 'Escape') this.close();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  #mark() {
    [...this.list.children].forEach((option, place) => option.setAttribute('aria-selected', String(place === this.at)));
    this.input.setAttribute('aria-activedescendant', this.at < 0 ? '' : `im-choice-${this.at}`);
  }
}
