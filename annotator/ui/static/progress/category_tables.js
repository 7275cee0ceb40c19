// The tables of categories on the Progress page: counts, precision, and what comes together; both can be
// sorted and searched, and every number leads to the pairs it counts.

import { plain } from '../shared/category_names.js';
import { formatNumber, h, setText } from '../shared/dom.js';
import { SortedTable } from './sorted_table.js';

/** @import { Cell, Column } from './sorted_table.js' */

/** @typedef {{ id: number, name: string, supercategory: string, present: number, absent: number, unknown: number, suggested: number, filled: number, right: number, judged: number, calibrated: boolean | null }} CategoryFigures */
/** @typedef {{ first: number, second: number, images: number, of_first: number, of_second: number, times: number | null }} Together */
/** @typedef {{ categories: CategoryFigures[], together: Together[], pairs_together: number }} Report */

const SCORES = new Map([[true, 'percentage'], [false, 'ranking only'], [null, 'none yet']]);

/** @param {number} id @param {string} [state] */
const review = (id, state) => `review#${new URLSearchParams({ show: state ? 'all' : 'errors', category: String(id), ...state && { state } })}`;

// A list of images: each term is a field and the name of a category.
/** @param {...string[]} terms */
const imagesWith = (...terms) => `images#${new URLSearchParams({ filter: terms.map(([field, name]) => `${field}:"${name.replace(/(["\\])/g, '\\$1')}"`).join(' ') })}`;

/** @param {number} part @param {number} whole */
const percent = (part, whole) => `${Math.round(100 * part / whole)}%`;

/** @param {number} value @param {string} [href] @returns {Cell} */
const number = (value, href) => ({ text: formatNumber(value), order: value, href: value ? href : undefined });

/** @param {number} right @param {number} judged @param {string} href @returns {Cell} */
const precision = (right, judged, href) => (judged
  ? { text: `${percent(right, judged)} of ${formatNumber(judged)}`, order: right / judged, href }
  : { text: '', order: -1 });

/** @param {number} images @param {number} whole @returns {Cell} */
const share = (images, whole) => ({ text: `${percent(images, whole)} of ${formatNumber(whole)}`, order: images / whole });

/** @type {Column<CategoryFigures>[]} */
const CATEGORIES = [
  { title: 'category', isText: true, cell: ({ id, name }) => ({ text: name, order: plain(name), href: `verify#${id}-confirm` }) },
  { title: 'group', isText: true, cell: ({ supercategory }) => ({ text: supercategory, order: plain(supercategory) }) },
  { title: 'present', cell: ({ id, present }) => number(present, review(id, 'present')) },
  { title: 'absent', cell: ({ id, absent }) => number(absent, review(id, 'absent')) },
  { title: 'unknown', cell: ({ name, unknown }) => number(unknown, imagesWith(['unknown', name])) },
  { title: 'suggested', cell: ({ id, suggested }) => number(suggested, `verify#${id}-confirm`) },
  { title: 'filled', cell: ({ filled }) => number(filled, 'certify') },
  { title: 'precision', cell: ({ id, right, judged }) => precision(right, judged, review(id)) },
  { title: 'score', isText: true, cell: ({ calibrated }) => ({ text: SCORES.get(calibrated) ?? '', order: Number(calibrated ?? -1) }) },
];

/** @param {Map<number, string>} names @returns {Column<Together>[]} */
const togetherColumns = (names) => [
  { title: 'category', isText: true, cell: ({ first }) => ({ text: names.get(first) ?? '', order: plain(names.get(first) ?? ''), href: imagesWith(['present', names.get(first) ?? '']) }) },
  { title: 'comes with', isText: true, cell: ({ second }) => ({ text: names.get(second) ?? '', order: plain(names.get(second) ?? ''), href: imagesWith(['present', names.get(second) ?? '']) }) },
  { title: 'images with both', cell: ({ first, second, images }) => number(images, imagesWith(['present', names.get(first) ?? ''], ['present', names.get(second) ?? ''])) },
  { title: 'of those with the first', cell: ({ images, of_first: whole }) => share(images, whole) },
  { title: 'of those with the second', cell: ({ images, of_second: whole }) => share(images, whole) },
  { title: 'as often as by chance', cell: ({ times }) => (times === null ? { text: '', order: -1 } : { text: `${times.toFixed(1)} times`, order: times }) },
];

export class CategoryTables {
  /** @param {HTMLElement} root */
  constructor(root) {
    /** @type {Map<number, string>} */
    this.names = new Map();
    this.find = h('input', { class: 'ct-find', type: 'search', 'aria-label': 'Find categories', placeholder: 'Find categories', autocomplete: 'off' });
    this.find.addEventListener('input', () => this.#search());
    this.found = h('span', { class: 'ct-found', role: 'status' });
    this.categories = new SortedTable('Categories', CATEGORIES, ({ id }) => id);
    this.together = new SortedTable('Categories that come together', togetherColumns(this.names), ({ first, second }) => `${first}+${second}`);
    this.rest = h('p', { class: 'pg-note' });
    this.root = root;
    this.parts = [
      h('div', { class: 'ct-top' }, this.find, this.found),
      this.categories.element,
      h('p', { class: 'pg-note', text: 'Unknown pairs are open; suggested ones are those of them that the model takes for present. Filled pairs were filled in under a certificate, without anybody looking at each. Precision is the share of suggestions that people answered present, on held-out images, which no version learns from. “Ranking only” means too few answers for percentages: the order of the images is useful, a percentage would be a guess.' }),
      h('h3', { text: 'Categories that come together' }),
      this.together.element, this.rest,
    ];
    root.replaceChildren(h('p', { class: 'pg-note', text: 'This part is being computed and appears in a moment.' }));
  }

  /** @param {Report | null} report */
  show(report) {
    if (!report) return;
    if (!this.find.isConnected) this.root.replaceChildren(...this.parts);
    this.categories.element.classList.toggle('ct-ungrouped', report.categories.every(({ supercategory }) => !supercategory));
    this.names.clear();
    for (const { id, name } of report.categories) this.names.set(id, name);
    this.categories.show(report.categories);
    this.together.show(report.together);
    const more = report.pairs_together - report.together.length;
    setText(this.rest, report.together.length
      ? `Counted from labels that people gave; an image counts where both categories are answered.${more > 0 ? ` ${formatNumber(more)} rarer pairs are not listed.` : ''}`
      : 'As soon as people have found two categories in one image, the pair is listed here.');
    this.#search();
  }

  #search() {
    const wanted = plain(this.find.value);
    const has = (/** @type {number} */ id) => plain(this.names.get(id) ?? '').includes(wanted);
    const count = this.categories.filter(({ id }) => has(id));
    this.together.filter(({ first, second }) => has(first) || has(second));
    setText(this.found, wanted ? `${count} of ${this.names.size} categories` : '');
  }
}
