// The names of the table's columns, which sort by them.

import { h, setText } from '../shared/dom.js';
import { COLUMNS } from './image_rows.js';

export class TableHeader {
  /** @param {{ onSort: (by: string) => void }} listeners */
  constructor({ onSort }) {
    const cells = COLUMNS.map(({ name, label, sort }, column) => {
      const cell = h('div', { class: `im-cell im-col-${name}`, role: 'columnheader', 'aria-colindex': column + 2 });
      cell.append(sort ? h('button', { type: 'button', class: 'im-sort', text: label, 'data-sort': sort, onclick: () => onSort(sort) }) : label);
      return cell;
    });
    const image = h('div', { class: 'im-cell', role: 'columnheader', 'aria-colindex': 1, 'aria-label': 'Image' });
    this.element = h('div', { class: 'im-header', role: 'rowgroup', hidden: true }, h('div', { class: 'im-line', role: 'row', 'aria-rowindex': 1 }, image, ...cells));
  }

  /** @param {string} sort @param {string} category name of the one that the list is about */
  draw(sort, category) {
    const [by] = sort.replace('-', '').split(':');
    for (const cell of this.element.querySelectorAll('[data-sort]')) {
      const isSorted = cell instanceof HTMLElement && cell.dataset.sort === by;
      if (isSorted) cell.parentElement?.setAttribute('aria-sort', (by === 'name') !== sort.startsWith('-') ? 'ascending' : 'descending');
      else cell.parentElement?.removeAttribute('aria-sort');
    }
    setText(this.element.querySelector('.im-col-about button') ?? h('i'), category || 'Category');
  }
}
