// One row of the list: as many tiles as are side by side, or one line of the table.

import { keepAsking } from '../shared/awaited_image.js';
import { formatNumber, h, imageUrl, setText } from '../shared/dom.js';
import { describeMark, showMark } from '../shared/image_mark.js';
import { aboutText, describe, markFor, whenText } from './texts.js';

/** @import { ListRow } from '../shared/wire.d.ts' */
/** @import { ImagesState } from './images_state.js' */
/** @import { DrawnRow } from './virtual_list.js' */

/** @typedef {{ onClick: (place: number, event: MouseEvent) => void, onOpen: (place: number) => void }} Listeners */

// What the table shows beside the image, and what sorts by it.
export const COLUMNS = [
  { name: 'name', label: 'Name', sort: 'name' }, { name: 'about', label: 'Category', sort: 'score' }, { name: 'standing', label: 'Done', sort: '' },
  { name: 'present', label: 'Present', sort: 'positives' }, { name: 'labels', label: 'Labels', sort: 'labels' }, { name: 'doubt', label: 'Uncertain', sort: 'doubt' },
  { name: 'by', label: 'By', sort: '' }, { name: 'answered', label: 'Newest label', sort: 'newest' }, { name: 'size', label: 'Size', sort: 'size' },
];

class Cell {
  /** @param {ImagesState} state @param {number} place @param {Listeners} listeners */
  constructor(state, place, { onClick, onOpen }) {
    this.state = state;
    this.place = place;
    this.id = state.ids[place];
    this.image = h('img', { alt: '', draggable: 'false', decoding: 'async' });
    this.image.addEventListener('error', () => { if (this.image.getAttribute('src')) this.element.classList.add('broken'); });
    this.image.addEventListener('load', () => this.element.classList.remove('broken'));
    keepAsking(this.image);
    this.tick = h('span', { class: 'im-tick', 'aria-hidden': 'true' });
    this.thumb = h('div', { class: 'im-thumb' }, this.image, this.tick);
    this.element = h('div', { 'data-id': this.id, tabindex: -1 });
    this.element.addEventListener('click', (event) => onClick(place, event));
    this.element.addEventListener('dblclick', () => onOpen(place));
  }

  // It can be seen.
  get isDrawn() { return this.image.complete && this.image.naturalWidth > 0; }

  load() { if (!this.image.getAttribute('src')) this.image.src = imageUrl(256, this.id); }

  // The browser stops loading what nobody looks at any more.
  drop() { this.image.removeAttribute('src'); }

  // Try an image again that the server did not give.
  retry() {
    if (!this.element.classList.contains('broken')) return;
    this.drop();
    this.load();
  }

  draw() {
    const { state, element, id } = this;
    const row = state.rows.get(id);
    const isSelected = state.selected.has(id);
    element.classList.toggle('focused', state.focus === this.place);
    element.setAttribute('aria-selected', String(isSelected));
    element.tabIndex = state.focus === this.place ? 0 : -1;
    setText(this.tick, isSelected ? '✓' : '');
    element.dataset.state = row?.state ?? '';
    element.setAttribute('aria-label', row ? describe(row, state.categoryName, isSelected) : `image ${id}, loading`);
    if (row) this.show(row);
  }

  /** @param {ListRow} _row */
  show(_row) {}
}

class Tile extends Cell {
  /** @param {ImagesState} state @param {number} place @param {Listeners} listeners @param {number} column */
  constructor(state, place, listeners, column) {
    super(state, place, listeners);
    this.standing = h('span', { class: 'im-standing', 'aria-hidden': 'true' });
    this.flag = h('span', { class: 'im-flag', 'aria-hidden': 'true', text: '⚑', hidden: true });
    this.twins = h('span', { class: 'im-twins', 'aria-hidden': 'true', text: '≈', title: 'Nearly the same as others; D selects them', hidden: true });
    this.name = h('div', { class: 'im-name', dir: 'auto' });
    this.about = h('div', { class: 'im-about' });
    this.thumb.append(this.flag, this.twins, this.standing);
    this.element.append(this.thumb, this.name, this.about);
    this.element.className = 'im-tile';
    this.element.setAttribute('role', 'gridcell');
    this.element.setAttribute('aria-colindex', String(column + 1));
  }

  /** @param {ListRow} row */
  show(row) {
    const { categoryName, nameOf } = this.state;
    setText(this.name, row.name.split('/').at(-1) ?? row.name);
    this.element.title = [row.name, `${row.width} x ${row.height}`, row.present.map(nameOf).join(', '), ...row.flags.map((note) => `⚑ ${note}`)].filter(Boolean).join('\n');
    showMark(this.standing, markFor(row));
    this.flag.hidden = !row.flags.length;
    this.twins.hidden = row.group === null;
    this.element.dataset.band = row.group === null ? '' : String(row.group % 2); // groups side by side are told apart
    const text = row.state ? aboutText(row) : `${row.present.length} ✓ · ${row.labels} known`;
    setText(this.about, text);
    this.about.title = row.state ? categoryName : '';
  }
}

class Line extends Cell {
  /** @param {ImagesState} state @param {number} place @param {Listeners} listeners */
  constructor(state, place, listeners) {
    super(state, place, listeners);
    this.cells = COLUMNS.map(({ name }, column) => h('div', { class: `im-cell im-col-${name}`, role: 'gridcell', 'aria-colindex': column + 2, dir: name === 'name' || name === 'by' ? 'auto' : null }));
    this.element.append(h('div', { class: 'im-cell', role: 'gridcell', 'aria-colindex': 1 }, this.thumb), ...this.cells);
    this.element.className = 'im-line';
    this.element.setAttribute('role', 'row');
    this.element.setAttribute('aria-rowindex', String(place + 2));
  }

  /** @param {ListRow} row */
  show(row) {
    const flag = row.flags.length ? ' ⚑' : '';
    /** @type {Record<string, string>} */
    const texts = {
      name: `${row.name}${flag}`, about: row.state ? aboutText(row) : '',
      standing: describeMark(markFor(row)).replace(/,.*/, ''), present: formatNumber(row.present.length), labels: formatNumber(row.labels),
      doubt: formatNumber(row.doubt), by: row.by.join(', '), answered: whenText(row.answered), size: `${row.width} x ${row.height}`,
    };
    COLUMNS.forEach(({ name }, column) => setText(this.cells[column], texts[name]));
    showMark(this.cells[2], markFor(row));
    this.cells[0].title = [row.name, ...row.flags].join('\n');
    this.cells[2].title = describeMark(markFor(row));
  }
}

/** @param {ImagesState} state @param {number} row @param {number} columns @param {boolean} isTable @param {Listeners} listeners @returns {DrawnRow & { cells: Cell[] }} */
export function makeRow(state, row, columns, isTable, listeners) {
  const first = row * columns;
  const places = Array.from({ length: Math.min(columns, state.ids.length - first) }, (_, column) => first + column);
  const cells = places.map((place, column) => (isTable ? new Line(state, place, listeners) : new Tile(state, place, listeners, column)));
  const element = isTable ? cells[0].element : h('div', { class: 'im-row', role: 'row', 'aria-rowindex': row + 1 }, ...cells.map((cell) => cell.element));
  for (const cell of cells) cell.draw();
  return {
    element, cells, at: -1,
    load: () => { for (const cell of cells) cell.load(); },
    drop: () => { for (const cell of cells) cell.drop(); },
  };
}
