// A table whose rows can be sorted by any column and filtered; it keeps both, and the focus, when the numbers change.

import { h } from '../shared/dom.js';

/** @typedef {{ text: string, order: number | string, href?: string }} Cell */

/**
 * @template Row
 * @typedef {{ title: string, isText?: boolean, cell: (row: Row) => Cell }} Column
 */

/** @template Row */
export class SortedTable {
  /** @type {Row[]} */
  rows = [];

  /** @type {(row: Row) => boolean} */
  wanted = () => true;

  /** @type {{ place: number, isDown: boolean } | null} */
  sorted = null; // as they came

  /**
   * @param {string} name
   * @param {Column<Row>[]} columns
   * @param {(row: Row) => number | string} keyOf
   */
  constructor(name, columns, keyOf) {
    this.columns = columns;
    this.keyOf = keyOf;
    this.heads = columns.map(({ title, isText }, place) => h('th', { scope: 'col', class: isText ? 'ct-text' : '' }, h('button', { type: 'button', text: title, onclick: () => this.#sortBy(place) })));
    this.body = h('tbody');
    this.element = h('div', { class: 'pg-scroll ct-scroll', tabindex: 0, role: 'group', 'aria-label': name },
      h('table', { class: 'pg-table ct-table' }, h('thead', {}, h('tr', {}, ...this.heads)), this.body));
  }

  /** @param {Row[]} rows */
  show(rows) {
    this.rows = rows;
    this.#draw();
  }

  // How many rows are left.
  /** @param {(row: Row) => boolean} wanted @returns {number} */
  filter(wanted) {
    this.wanted = wanted;
    return this.#draw();
  }

  // Numbers begin with the largest, names with A.
  /** @param {number} place */
  #sortBy(place) {
    this.sorted = { place, isDown: this.sorted?.place === place ? !this.sorted.isDown : !this.columns[place].isText };
    this.#draw();
  }

  #draw() {
    const rows = this.rows.filter(this.wanted);
    if (this.sorted) {
      const { place, isDown } = this.sorted;
      const { cell } = this.columns[place];
      rows.sort((a, b) => (isDown ? -1 : 1) * compared(cell(a).order, cell(b).order));
    }
    this.heads.forEach((head, place) => {
      if (this.sorted?.place === place) head.setAttribute('aria-sort', this.sorted.isDown ? 'descending' : 'ascending');
      else head.removeAttribute('aria-sort');
    });
    const focused = document.activeElement instanceof HTMLElement && this.body.contains(document.activeElement) ? document.activeElement.dataset.key : undefined;
    this.body.replaceChildren(...rows.map((row) => this.#row(row)));
    if (focused) /** @type {HTMLElement | null} */ (this.body.querySelector(`[data-key="${focused}"]`))?.focus({ preventScroll: true });
    return rows.length;
  }

  /** @param {Row} row */
  #row(row) {
    return h('tr', {}, ...this.columns.map(({ cell, isText }, place) => {
      const { text, href } = cell(row);
      const shown = href ? h('a', { href, text, 'data-key': `${this.keyOf(row)} ${place}` }) : text;
      return place === 0 ? h('th', { scope: 'row' }, shown) : h('td', { class: isText ? 'ct-text' : '' }, shown);
    }));
  }
}

/** @param {number | string} a @param {number | string} b */
const compared = (a, b) => (typeof a === 'string' ? a.localeCompare(String(b)) : a - Number(b));
