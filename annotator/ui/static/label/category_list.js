// The category rows of one image: drawn once, restyled in place, never reordered.

import { h, isIn } from '../shared/dom.js';
import { Group } from './category_group.js';
import { Names } from '../shared/category_names.js';
import { Row } from './category_row.js';

const DIGITS = [...'1234567890'];
const MANY = 60; // categories from which on groups that say nothing are folded
const FOUND = 40; // rows drawn of what a search finds

// The rows of the page: the ten most worth asking on top, then every category in its group, or
// instead of both what a search finds.
export class RowList {
  constructor(categories, handlers) {
    this.handlers = handlers;
    this.asking = h('div', { class: 'an-asking', role: 'group', 'aria-label': 'Most worth asking' });
    this.all = h('div', { class: 'an-all', role: 'group', 'aria-label': 'All categories' });
    this.found = h('div', { class: 'an-found', role: 'group', 'aria-label': 'Found categories', hidden: true });
    this.nothing = h('div', { class: 'an-nothing', text: 'No category has this in its name. Esc shows all again.', hidden: true });
    this.unfiltered = h('div', { class: 'an-unfiltered' }, this.asking, this.all);
    this.box = h('div', { class: 'an-list', role: 'group', 'aria-label': 'Categories' }, this.nothing, this.found, this.unfiltered);
    Object.assign(this, { askRows: [], foundRows: [], matches: null, rowsFound: new Map() });
    this.byId = new Map(categories.map((category) => [category.id, category]));
    this.names = new Names(categories);
    this.groups = this.#group(categories);
    this.groupOf = new Map(this.groups.flatMap((group) => group.ids.map((id) => [id, group])));
    this.all.append(...this.groups.map((group) => group.element));
  }

  #group(categories) {
    const rows = new Map();
    for (const category of categories) {
      const name = category.supercategory || '';
      if (!rows.has(name)) rows.set(name, []);
      rows.get(name).push(new Row(category, null, this.handlers));
    }
    return [...rows].map(([name, members]) => new Group(name, members, {
      onSweep: (group) => this.handlers.onSweep(group), onOpen: () => this.handlers.onOpen(),
    }));
  }

  // Called once for each image that comes on the screen, and not again while it is there.
  ask(item) {
    const known = item.data.ask.filter((id) => this.byId.has(id)).slice(0, DIGITS.length);
    this.askRows = known.map((id, place) => new Row(this.byId.get(id), DIGITS[place], this.handlers));
    const title = known.length ? 'Most worth asking' : 'Nothing is left to ask about this image.';
    this.asking.replaceChildren(h('div', { class: 'an-group', text: title }), ...this.askRows.map((row) => row.element));
    const isLong = this.byId.size > MANY && this.groups.length > 1;
    for (const group of this.groups) group.fold(isLong && group.ids.every((id) => item.isQuiet(id)));
  }

  // Open all groups if any is folded, else fold those that say nothing.
  toggleGroups(item) {
    const isFolded = this.groups.some((group) => group.isFolded);
    for (const group of this.groups) group.fold(!isFolded && this.groups.length > 1 && group.ids.every((id) => item.isQuiet(id)));
  }

  takeKeys(keys) {
    for (const category of this.byId.values()) category.key = keys[category.id] ?? '';
    for (const row of this.#every()) row.takeKey(row.category.key);
  }

  #every() { return [...this.askRows, ...this.rowsFound.values(), ...this.groups.flatMap((group) => group.rows)]; }

  // Only what can be seen: a search hides the groups, and they are drawn again after it.
  draw(item, focus) {
    const nameOf = (id) => this.byId.get(id)?.name ?? 'another category';
    const pairOf = (id) => item.pair(id, nameOf);
    for (const row of this.matches ? this.foundRows : this.askRows) row.draw(pairOf(row.category.id), row === focus);
    if (!this.matches) for (const group of this.groups) group.draw(item, pairOf, focus);
  }

  get visible() {
    if (this.matches) return this.foundRows;
    return [...this.askRows, ...this.groups.filter((group) => !group.isFolded).flatMap((group) => group.rows)];
  }

  // Category ids of the list as filtered.
  get listed() { return this.matches ?? this.groups.flatMap((group) => group.ids); }

  // The row that stands for a category, on top if it is there.
  rowOf(id) {
    const asked = this.visible.find((row) => row.category.id === id);
    if (asked) return asked;
    const group = this.groupOf.get(id);
    group?.open();
    return group?.rows.find((row) => row.category.id === id) ?? null;
  }

  // Category ids whose row lies wholly in a part of the window.
  categoriesIn(view) {
    const near = this.matches ? this.foundRows : [...this.askRows, ...this.groups.filter((group) => group.isNear(view)).flatMap((group) => group.rows)];
    return [...new Set(near.filter((row) => isIn(view, row.element)).map((row) => row.category.id))];
  }

  // Show what fits a text, the most likely first; everything where there is no text.
  filter(text) {
    const isSearch = Boolean(text.trim());
    this.matches = isSearch ? this.names.matching(text) : null;
    this.foundRows = (this.matches ?? []).slice(0, FOUND).map((id) => this.#foundRow(id));
    this.found.replaceChildren(...this.foundRows.map((row) => row.element));
    const more = (this.matches?.length ?? 0) - this.foundRows.length;
    if (more > 0) this.found.append(h('div', { class: 'an-nothing', text: `and ${more} more; type on` }));
    this.found.hidden = !this.foundRows.length;
    this.nothing.hidden = !isSearch || this.foundRows.length > 0;
    this.unfiltered.classList.toggle('an-hidden', isSearch);
  }

  #foundRow(id) {
    if (!this.rowsFound.has(id)) this.rowsFound.set(id, new Row(this.byId.get(id), null, this.handlers));
    return this.rowsFound.get(id);
  }
}
