// The category rows beside the image: drawn when it comes, restyled in place, never moved while it is there.

import { CategoryNames } from '../shared/category_names.js';
import { h, isIn } from '../shared/dom.js';
import { keyOr } from '../shared/key_or_button.js';
import { CategoryGroup } from './category_group.js';
import { CategoryRow } from './category_row.js';
import { DIGITS, DigitSlots } from './digit_slots.js';

/** @import { Category, Decision, ItemData } from '../shared/wire.d.ts' */
/** @import { View } from '../shared/dom.js' */
/** @import { Item } from './item.js' */

const MANY = 60; // categories from which on groups that say nothing are folded
const FEW = 20; // categories up to which nearly all are among the ten, likely or not
const KEEN = 6; // of those, how many may take a digit from another
const FOUND = 40; // rows drawn of what a search finds

/** @type {Record<ItemData['asked_by'], (version: number | null) => string>} */
const TITLES = {
  version: (version) => `Most likely here, by version ${version}`,
  likeness: () => 'Most likely here, by likeness to the images answered so far',
  counts: () => 'Found most often so far',
  order: () => 'The first of the list; nothing is known yet',
};

// The rows of the page: the ten most worth asking on top, then every other category in its group, or
// instead of both what a search finds. Ten categories or fewer are one list, with fixed digits.
export class CategoryList {
  /**
   * @param {Category[]} categories
   * @param {{ onPick: (row: CategoryRow, state: Decision) => void, onSweep: (group: CategoryGroup) => void, onOpen: () => void }} listeners
   */
  constructor(categories, listeners) {
    this.listeners = listeners;
    this.asking = h('div', { class: 'an-asking', role: 'group', 'aria-label': 'Most worth asking' });
    this.all = h('div', { class: 'an-all', role: 'group', 'aria-label': 'All categories' });
    this.found = h('div', { class: 'an-found', role: 'group', 'aria-label': 'Found categories', hidden: true });
    this.nothing = h('div', { class: 'an-nothing', text: `No category has this in its name. ${keyOr('Press Esc', 'Clear the field')} to see all again.`, hidden: true });
    this.unfiltered = h('div', { class: 'an-unfiltered' }, this.asking, this.all);
    this.box = h('div', { class: 'an-list', role: 'group', 'aria-label': 'Categories' }, this.nothing, this.found, this.unfiltered);
    this.digits = new DigitSlots();
    /** @type {(CategoryRow | null)[]} */
    this.byDigit = [];
    /** @type {CategoryRow[]} */
    this.above = []; // rows of the groups that do not stand there, as their category is on top
    /** @type {CategoryRow[]} */
    this.foundRows = [];
    this.scrolled = 0; // the list, before a search
    /** @type {number[] | null} */
    this.matches = null; // what a search finds, null without one
    /** @type {Map<number, CategoryRow>} */
    this.rowsFound = new Map(); // of every search so far, by category id
    /** @type {Map<number, Category>} */
    this.byId = new Map();
    this.names = new CategoryNames([]);
    /** @type {CategoryGroup[]} */
    this.groups = [];
    /** @type {CategoryGroup[]} */
    this.below = []; // those that are drawn
    /** @type {Map<number, CategoryGroup>} */
    this.groupOf = new Map();
    this.use(categories);
  }

  // Called before an image comes on the screen, never while one is there.
  /** @param {Category[]} categories */
  use(categories) {
    this.rowsFound.clear();
    this.byId = new Map(categories.map((category) => [category.id, category]));
    this.names = new CategoryNames(categories);
    this.groups = this.#group(categories);
    this.groupOf = new Map(this.groups.flatMap((group) => group.ids.map((id) => /** @type {const} */ ([id, group]))));
    this.isShort = categories.length <= DIGITS.length;
    this.below = this.isShort ? [] : this.groups;
    this.all.hidden = this.isShort;
    this.all.replaceChildren(...this.below.map((group) => group.element));
  }

  /** @param {Category[]} categories */
  #group(categories) {
    /** @type {Map<string, CategoryRow[]>} */
    const rows = new Map();
    for (const category of categories) {
      const name = category.supercategory || '';
      const members = rows.get(name) ?? [];
      members.push(new CategoryRow(category, this.listeners));
      rows.set(name, members);
    }
    const groups = [...rows].map(([name, members]) => new CategoryGroup(name, members, this.listeners));
    for (const group of groups) group.isWhole = groups.length === 1;
    return groups;
  }

  // Called once for each image that comes on the screen, and not again while it is there. Returns
  // which digits answer another category than before, in words.
  /** @param {Item} item */
  ask(item) {
    item.slots ??= this.isShort ? [...this.byId.keys()] : this.#placesFor(item);
    const fresh = this.isShort ? [] : this.digits.show(item.slots);
    this.byDigit = item.slots.map((id, place) => this.#digitRow(id, DIGITS[place], fresh));
    const title = item.data.ask.length ? TITLES[item.data.asked_by](item.version) : 'Nothing is left to ask about this image.';
    const cells = this.byDigit.map((row) => row?.element ?? h('div'));
    const half = Math.ceil((this.isShort ? cells.length : DIGITS.length) / 2);
    this.asking.replaceChildren(
      h('div', { class: 'an-group', text: title, hidden: this.isShort && item.data.ask.length > 0 }),
      h('div', { class: 'an-digits', style: `grid-template-rows: repeat(${half}, auto)` }, ...cells),
    );
    this.#hideThoseOnTop();
    this.#foldQuiet(item);
    return fresh.length ? `New digits: ${this.askRows.filter((row) => row.isFresh).map((row) => `${row.digit.textContent} ${row.category.name}`).join(', ')}` : '';
  }

  /** @param {Item} item */
  #placesFor(item) {
    const keen = this.byId.size > FEW ? DIGITS.length : KEEN;
    return this.digits.place(item.data.ask, keen, (id) => this.byId.has(id) && item.isOpen(id));
  }

  /** @param {number | null} id @param {string} digit @param {number[]} fresh */
  #digitRow(id, digit, fresh) {
    const category = id === null ? undefined : this.byId.get(id);
    if (!category) return null;
    const row = new CategoryRow(category, this.listeners);
    row.setDigit(digit, fresh.includes(category.id));
    return row;
  }

  // No category stands twice.
  #hideThoseOnTop() {
    for (const row of this.above) row.element.hidden = false;
    this.above = this.askRows.flatMap(({ category }) => this.#rowBelow(category.id) ?? []);
    for (const row of this.above) row.element.hidden = true;
    for (const group of this.below) group.element.hidden = !group.shownRows.length;
  }

  /** @param {number} id */
  #rowBelow(id) { return this.isShort ? undefined : this.groupOf.get(id)?.rows.find((row) => row.category.id === id); }

  // The rows with digits.
  /** @returns {CategoryRow[]} */
  get askRows() { return this.byDigit.flatMap((row) => (row ? [row] : [])); }

  /** @param {number} place of the digit, from 0 */
  onDigit(place) { return this.byDigit[place] ?? null; }

  /** @param {Item} item */
  #foldQuiet(item) {
    const isLong = this.byId.size > MANY && this.groups.length > 1;
    for (const group of this.groups) group.fold(isLong && group.ids.every((id) => item.isQuiet(id)));
  }

  // Open all groups if any is folded, else fold those that say nothing.
  /** @param {Item} item */
  toggleGroups(item) {
    const isFolded = this.groups.some((group) => group.isFolded);
    for (const group of this.groups) group.fold(!isFolded && this.groups.length > 1 && group.ids.every((id) => item.isQuiet(id)));
  }

  /** @param {Record<string, string>} keys by category id */
  setKeys(keys) {
    for (const category of this.byId.values()) category.key = keys[category.id] ?? '';
    const rows = [...this.askRows, ...this.rowsFound.values(), ...this.groups.flatMap((group) => group.rows)];
    for (const row of rows) row.setKey(row.category.key);
  }

  // Only what can be seen: a search hides the groups, and they are drawn again after it.
  /** @param {Item} item @param {CategoryRow | null} focus */
  draw(item, focus) {
    const nameOf = (/** @type {number} */ id) => this.byId.get(id)?.name ?? 'another category';
    const pairOf = (/** @type {number} */ id) => item.pair(id, nameOf);
    for (const row of this.matches ? this.foundRows : this.askRows) row.draw(pairOf(row.category.id), row === focus);
    if (!this.matches) for (const group of this.below) group.draw(item, pairOf, focus);
  }

  get visible() {
    if (this.matches) return this.foundRows;
    return [...this.askRows, ...this.below.filter((group) => !group.isFolded).flatMap((group) => group.shownRows)];
  }

  // Category ids of the list as filtered.
  get listed() { return this.matches ?? this.groups.flatMap((group) => group.ids); }

  // The row that stands for a category, on top if it is there; its group may be folded.
  /** @param {number} id */
  standingFor(id) { return this.visible.find((row) => row.category.id === id) ?? this.#rowBelow(id) ?? null; }

  // The same, where it can be seen.
  /** @param {number} id */
  rowOf(id) {
    const row = this.standingFor(id);
    if (row && !this.visible.includes(row)) this.groupOf.get(id)?.open();
    return row;
  }

  // Category ids whose row lies wholly in a part of the window.
  /** @param {View} view */
  categoriesIn(view) {
    const near = this.matches ? this.foundRows : [...this.askRows, ...this.below.filter((group) => group.isNear(view)).flatMap((group) => group.shownRows)];
    return [...new Set(near.filter((row) => isIn(view, row.element)).map((row) => row.category.id))];
  }

  // Show what fits a text, the most likely first; everything where there is no text.
  /** @param {string} text @param {number[]} [likely] category ids, the likeliest first */
  filter(text, likely) {
    const matches = text.trim() ? this.names.matching(text, likely) : null;
    const { matches: before, box } = this;
    if (matches && !before) this.scrolled = box.scrollTop;
    this.matches = matches;
    this.foundRows = (matches ?? []).slice(0, FOUND).map((id) => this.#foundRow(id));
    this.found.replaceChildren(...this.foundRows.map((row) => row.element));
    const more = (matches?.length ?? 0) - this.foundRows.length;
    if (more > 0) this.found.append(h('div', { class: 'an-nothing', text: `and ${more} more; keep typing` }));
    this.found.hidden = !this.foundRows.length;
    this.nothing.hidden = !matches || this.foundRows.length > 0;
    this.unfiltered.classList.toggle('an-hidden', Boolean(matches));
    if (before && !matches) box.scrollTop = this.scrolled;
  }

  /** @param {number} id */
  #foundRow(id) {
    const known = this.rowsFound.get(id);
    if (known) return known;
    const row = new CategoryRow(/** @type {Category} */ (this.byId.get(id)), this.listeners);
    this.rowsFound.set(id, row);
    return row;
  }
}
