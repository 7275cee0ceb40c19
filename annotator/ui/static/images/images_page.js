// The Images page: all images as a grid or a table, found by what is known of them, answered many at once.

import { store, stored } from '../shared/browser_store.js';
import { CATEGORIES } from '../shared/category_changes.js';
import { button, formatNumber, h, setText } from '../shared/dom.js';
import { filterOfIds, selectionQuery } from '../shared/image_selection.js';
import { keyOr } from '../shared/key_or_button.js';
import { WorkScreen } from '../shared/work_screen.js';
import { BulkAnswers } from './bulk_answers.js';
import { FilterBar } from './filter_bar.js';
import { COLUMNS, makeRow } from './image_rows.js';
import { ImagesState } from './images_state.js';
import { commandOf, HELP, mayRepeat } from './keys.js';
import { counted } from './texts.js';
import { VirtualList } from './virtual_list.js';

/** @import { ListStart } from '../shared/wire.d.ts' */
/** @import { Done, Job } from '../shared/save_queue.js' */
/** @import { BulkState } from './texts.js' */

/** @typedef {import('./virtual_list.js').DrawnRow & { cells: { draw: () => void, retry: () => void, isDrawn: boolean, id: number, place: number, element: HTMLElement }[] }} Row */

const SIZES = [110, 160, 220, 320]; // least width of a tile
const GAP = 8;
const CAPTION = 40; // pixels below the image of a tile
const LINE = 48; // height of a line of the table
const SIZE_KEY = 'annotator-tiles';
const PLACE_KEY = 'annotator-images-place';
/** @type {[BulkState, string, string][]} */
const ANSWERS = [['present', 'Present', 'A'], ['absent', 'Absent', 'R'], ['cleared', 'Unknown', 'C']];

export class ImagesPage extends WorkScreen {
  /** @type {ImagesState} */
  state;

  /** @type {BulkAnswers} */
  bulk;

  isTable = false;

  columns = 1;

  answered = -1; // answers of the project when the list was made

  /** @param {HTMLElement} root @param {Record<string, (data: object) => Promise<any>>} functions */
  constructor(root, functions) {
    super(root, functions, { page: 'images', help: HELP });
    this.size = SIZES.indexOf(Number(stored(SIZE_KEY)));
    if (this.size < 0) this.size = innerWidth > 700 ? 1 : 0;
    this.filters = new FilterBar({ onChange: () => this.#changed(), onLeave: () => this.#focusCell() });
    this.list = new VirtualList({
      makeRow: (row) => makeRow(this.state, row, this.columns, this.isTable, { onClick: (place, event) => this.#click(place, event), onOpen: (place) => this.#open(place) }),
      onView: () => this.#wantRows(),
    });
    this.header = h('div', { class: 'im-header', role: 'rowgroup', hidden: true }, this.#headerRow());
    this.grid = h('div', { class: 'im-grid', role: 'grid', 'aria-label': 'Images', 'aria-multiselectable': 'true' }, this.header, this.list.box);
    this.empty = h('div', { class: 'im-empty', role: 'status', hidden: true });
    this.count = h('span', { class: 'im-count', role: 'status' });
    this.refreshButton = button('Refresh', 'M', () => this.refresh());
    this.viewButton = button('Table', 'T', () => this.#toggleView(), 'im-view');
    this.selectedText = h('span', { class: 'im-selected' });
    this.answers = ANSWERS.map(([state, label, key]) => ({ state, label, element: button(label, key, () => this.#answer(state), 'im-answer') }));
    this.labelButton = button('Label', 'L', () => this.#goOn(''));
    this.verifyButton = button('Verify', 'V', () => this.#goOn('verify'));
    this.clearButton = button('Clear', 'Esc', () => this.#selectNone());
    this.page = h('div', { class: 'im-page' });
    this.mount();
  }

  #headerRow() {
    const cells = COLUMNS.map(({ name, label, sort }, column) => {
      const cell = h('div', { class: `im-cell im-col-${name}`, role: 'columnheader', 'aria-colindex': column + 2 });
      cell.append(sort ? h('button', { type: 'button', class: 'im-sort', text: label, 'data-sort': sort, onclick: () => this.filters.sortBy(sort) }) : label);
      return cell;
    });
    return h('div', { class: 'im-line', role: 'row', 'aria-rowindex': 1 }, h('div', { class: 'im-cell', role: 'columnheader', 'aria-colindex': 1, 'aria-label': 'Image' }), ...cells);
  }

  build() {
    const bar = h('div', { class: 'an-bar im-top' }, this.count, h('span', { class: 'an-grow' }), this.viewButton, this.refreshButton, this.saved,
      button('Undo', 'U', () => this.bulk?.undo()), button('Redo', '⇧U', () => this.bulk?.redo(), 'im-redo'), button('Help', '?', () => this.help.showModal(), 'im-help'));
    const foot = h('div', { class: 'an-bar im-foot' }, this.selectedText, ...this.answers.map(({ element }) => element), h('span', { class: 'an-grow' }),
      this.labelButton, this.verifyButton, this.clearButton);
    this.page.append(this.filters.element, bar, this.grid, this.empty, foot, this.notices.element);
    return [this.page];
  }

  // ---- beginning

  /** @param {ListStart} start */
  prepare(start) {
    const { server, queue, guard, me } = this;
    this.state = new ImagesState({ server, nameOf: (id) => this.categoryNames?.get(id) ?? 'a category' }, { draw: () => this.draw() });
    this.bulk = new BulkAnswers({ server, queue, guard, me }, {
      notify: (text) => this.notify(text), tell: (text) => this.tell(text), changed: () => { this.state.expire(); this.#wantRows(); },
      show: (ids, state) => { this.state.show(ids, state === 'cleared' ? 'unknown' : state); this.draw(); },
    });
    this.root.append(this.bulk.element);
    this.filters.build(start);
    addEventListener('hashchange', () => this.open()); // back, forward or a link
    addEventListener('online', () => this.#rows().forEach(({ cells }) => cells.forEach((cell) => cell.retry())));
    new ResizeObserver(() => this.#fit()).observe(this.list.box);
    new ResizeObserver(() => this.#fitTop()).observe(this.unsaved.element);
    addEventListener('resize', () => this.#fitTop());
  }

  open() {
    const query = new URLSearchParams(location.hash.slice(1));
    const id = Number(query.get('category'));
    this.isTable = query.get('view') === 'table';
    this.filters.show({ filter: query.get('filter') ?? '', sort: query.get('sort') ?? '', category: this.categoryNames?.has(id) ? id : null });
    const [hash, place] = (sessionStorage.getItem(PLACE_KEY) ?? '').split('\n');
    return this.search(hash === location.hash ? Number(place) : undefined);
  }

  // ---- finding

  get #hash() {
    const { filter, sort, category } = this.filters.wanted;
    const said = { ...(filter && { filter }), ...(sort && { sort }), ...(category && { category: String(category) }), ...(this.isTable && { view: 'table' }) };
    return `#${new URLSearchParams(said)}`;
  }

  #changed() {
    // The whole address: what is relative is taken from the base of the document, which is the Label page.
    if (this.#hash !== location.hash) history.pushState(history.state, '', `${location.pathname}${location.search}${this.#hash}`);
    this.search();
  }

  /** @param {number} [focus] @returns {Promise<unknown>} */
  async search(focus) {
    const { state } = this;
    this.root.setAttribute('aria-busy', 'true');
    const list = this.takeCategories();
    if (list) this.filters.useCategories(list.categories);
    const { wanted } = this.filters;
    const found = await state.list(wanted, focus);
    if (!found) return null; // a newer search is on its way
    const { searches } = state;
    if (found.away || found.again) return this.retry(found.message ?? 'The server does not answer; trying again.', () => (state.searches === searches ? this.search(focus) : null));
    this.ready();
    this.filters.complain(found.ok ? '' : found.message ?? '');
    if (!found.ok) return null; // the list stays as it was
    this.answered = this.status.state?.answered ?? -1;
    this.refreshButton.classList.remove('primary');
    this.filters.show({ ...wanted, category: state.wanted.category });
    this.#layout();
    this.list.reveal(Math.floor(state.focus / this.columns));
    this.draw();
    return null;
  }

  // The list as it is now; the image in focus stays in focus.
  refresh() { return this.search(); }

  categoriesComing() { this.tell(`The categories have changed; press ${keyOr('M', 'Refresh')} to list the images with them.`, CATEGORIES); }

  // The status line has looked: what is drawn follows quietly, the order only on request.
  newVersion() {
    const { state, status, answered } = this;
    if (!state || answered < 0 || !status.state) return;
    const isNew = status.state.answered !== answered || status.state.version !== state.version;
    if (!isNew) return;
    this.answered = status.state.answered;
    state.version = status.state.version;
    this.refreshButton.classList.add('primary');
    this.refreshButton.title = 'Something was answered since; the list may be another one.';
    state.expire();
    this.#wantRows();
  }

  // ---- drawing

  /** @returns {Row[]} */
  #rows() { return /** @type {Row[]} */ ([...this.list.drawn.values()]); }

  #fitTop() {
    const top = `${Math.round(this.page.getBoundingClientRect().top + scrollY)}px`;
    if (this.root.style.getPropertyValue('--an-top') !== top) this.root.style.setProperty('--an-top', top);
  }

  // Another width may mean another number of tiles in a row.
  #fit() {
    if (!this.state?.ids.length) return;
    this.#layout();
    this.list.reveal(Math.floor(this.state.focus / this.columns));
  }

  #layout() {
    const { state, list, grid, isTable } = this;
    const { length } = state.ids;
    this.grid.hidden = !length;
    this.empty.hidden = Boolean(length);
    this.empty.replaceChildren(h('p', { text: state.wanted.filter ? 'No image fits this filter.' : 'There is no image.' }),
      ...(state.wanted.filter ? [button('Show all images', null, () => { this.filters.show({ filter: '', sort: state.wanted.sort, category: state.wanted.category }); this.#changed(); }, 'primary')] : []));
    this.header.hidden = !isTable;
    grid.classList.toggle('im-table', isTable);
    const width = list.box.clientWidth;
    this.columns = isTable ? 1 : Math.max(2, Math.floor((width + GAP) / (SIZES[this.size] + GAP)));
    const tile = (width - GAP * (this.columns - 1)) / this.columns;
    const rows = Math.ceil(length / this.columns);
    grid.style.setProperty('--im-columns', String(this.columns));
    grid.style.setProperty('--im-thumb', `${Math.round(tile * 0.75)}px`);
    grid.setAttribute('aria-rowcount', String(rows + Number(isTable)));
    grid.setAttribute('aria-colcount', String(isTable ? COLUMNS.length + 1 : this.columns));
    this.#keepFocus();
    list.layout(rows, isTable ? LINE : Math.round(tile * 0.75) + CAPTION + GAP);
  }

  #keepFocus() { this.list.kept = this.state.ids.length ? Math.floor(this.state.focus / this.columns) : -1; }

  #wantRows() {
    this.state.want(this.#rows().flatMap(({ cells }) => cells.map(({ id }) => id)));
  }

  draw() {
    const { state, isTable } = this;
    if (!state) return;
    for (const { cells } of this.#rows()) for (const cell of cells) cell.draw();
    const { length } = state.ids;
    const chosen = state.selected.size;
    setText(this.count, length === state.total ? counted(length, 'image') : `${formatNumber(length)} of ${counted(state.total, 'image')}`);
    setText(this.selectedText, chosen ? `${formatNumber(chosen)} selected` : 'Space or click selects');
    this.clearButton.disabled = !chosen;
    this.viewButton.say(isTable ? 'Grid' : 'Table');
    const { categoryName } = state;
    for (const { label, element } of this.answers) {
      element.say(categoryName ? `${categoryName}: ${label.toLowerCase()}` : label);
      element.disabled = !length || !categoryName;
      element.title = categoryName ? '' : 'Choose a category first (K)';
    }
    this.labelButton.say(chosen ? `Label ${formatNumber(chosen)}` : 'Label these');
    this.verifyButton.say(chosen ? `Verify ${formatNumber(chosen)}` : 'Verify these');
    this.labelButton.disabled = this.verifyButton.disabled = !length;
    for (const cell of this.header.querySelectorAll('[data-sort]')) {
      const [by] = state.wanted.sort.replace('-', '').split(':');
      const isSorted = cell instanceof HTMLElement && cell.dataset.sort === by;
      if (isSorted) cell.parentElement?.setAttribute('aria-sort', (by === 'name') !== state.wanted.sort.startsWith('-') ? 'ascending' : 'descending');
      else cell.parentElement?.removeAttribute('aria-sort');
    }
    setText(this.header.querySelector('.im-col-about button') ?? h('i'), categoryName || 'Category');
  }

  // ---- moving and selecting

  /** @param {number} place @param {MouseEvent} event */
  #click(place, { shiftKey }) {
    const { state } = this;
    if (shiftKey) state.extendTo(place);
    else state.toggle(place);
    this.#moveTo(place);
  }

  /** @param {number} place */
  #moveTo(place) {
    this.state.moveTo(place);
    this.#keepFocus();
    this.list.reveal(Math.floor(this.state.focus / this.columns));
    this.#focusCell();
    this.draw();
  }

  #focusCell() {
    this.list.draw();
    for (const { cells } of this.#rows()) cells.find(({ place }) => place === this.state.focus)?.element.focus({ preventScroll: true });
  }

  /** @param {string} direction @param {boolean} isExtend */
  #move(direction, isExtend) {
    const { state, columns, list } = this;
    const { focus, ids: { length } } = state;
    if (!length) return;
    const step = { left: -1, right: 1, up: -columns, down: columns, pageup: -columns * list.page, pagedown: columns * list.page }[direction];
    let to = direction === 'first' ? 0 : direction === 'last' ? length - 1 : focus + (step ?? 0);
    if (to < 0) to = direction === 'pageup' ? focus % columns : focus;
    if (to >= length) to = direction === 'right' ? focus : length - 1; // the last row may be short
    if (isExtend) state.extendTo(to);
    else state.anchor = null;
    this.#moveTo(to);
  }

  #selectNone() {
    this.state.selectNone();
    this.draw();
  }

  // ---- other pages

  // The image with the list behind it, so that the next one is the next of the list.
  /** @param {number} place */
  #open(place) {
    this.state.moveTo(place);
    const { wanted: { filter, sort }, focused } = this.state;
    if (focused) location.assign(`./${filter || sort ? selectionQuery(filter, sort) : ''}#${focused}`);
  }

  /** @param {string} page */
  #goOn(page) {
    const { state, state: { selected, wanted: { filter, sort, category } } } = this;
    if (!state.ids.length) return;
    const isPart = selected.size > 0 && !state.isAllSelected;
    const query = selectionQuery(isPart ? filterOfIds(selected) : filter, sort);
    location.assign(`./${page}${query}${page && category ? `#${category}-uncertain` : ''}`);
  }

  leave() {
    if (this.state?.focused) sessionStorage.setItem(PLACE_KEY, `${location.hash}\n${this.state.focused}`);
  }

  // ---- answering

  /** @param {BulkState} state */
  async #answer(state) {
    const { wanted: { category }, categoryName, byHand, chosen } = this.state;
    if (category === null) {
      this.notify('Choose the category first: K.');
      return;
    }
    const [first, last] = this.list.view;
    const inView = this.#rows().flatMap(({ cells }) => cells).filter(({ place }) => place >= first * this.columns && place < (last + 1) * this.columns);
    const seen = new Set(inView.filter(({ isDrawn }) => isDrawn).map(({ id }) => id));
    await this.bulk.give({ category, name: categoryName, state, ids: [...chosen], byHand, isSeen: (id) => seen.has(id) });
    this.#focusCell();
  }

  // ---- keys

  /** @param {KeyboardEvent} event */
  key(event) {
    const command = commandOf(event);
    if (!command || !this.state) return false;
    if (!event.repeat || mayRepeat(command)) this.#do(command);
    return true;
  }

  /** @param {string} command */
  #do(command) {
    const { state } = this;
    const direction = /^(?:extend)?(left|right|up|down|pageup|pagedown|first|last)$/i.exec(command)?.[1].toLowerCase();
    if (direction) this.#move(direction, command.startsWith('extend'));
    const answer = ANSWERS.find(([each]) => each === command);
    if (answer) this.#answer(answer[0]);
    /** @type {Record<string, () => unknown>} */
    const commands = {
      select: () => state.ids.length && state.toggle(state.focus), selectAll: () => state.selectAll(), selectNone: () => state.selectNone(),
      category: () => this.filters.category.focus(), filter: () => this.filters.enter(), open: () => this.#open(state.focus),
      label: () => this.#goOn(''), verify: () => this.#goOn('verify'), view: () => this.#toggleView(), larger: () => this.#resize(1), smaller: () => this.#resize(-1),
      undo: () => this.bulk.undo(), redo: () => this.bulk.redo(), refresh: () => this.refresh(), help: () => this.help.showModal(),
    };
    commands[command]?.();
    if (command.startsWith('select')) this.say(`${formatNumber(state.selected.size)} selected`);
    this.draw();
  }

  #toggleView() {
    this.isTable = !this.isTable;
    history.replaceState(history.state, '', `${location.pathname}${location.search}${this.#hash}`);
    this.#fit();
    this.draw();
    this.#focusCell();
  }

  /** @param {number} step */
  #resize(step) {
    this.size = Math.max(0, Math.min(SIZES.length - 1, this.size + step));
    store(SIZE_KEY, String(SIZES[this.size]));
    this.#fit();
    this.#focusCell();
  }

  // ---- what the server says, and messages

  /** @param {Job} job @param {Done} result */
  confirmed(job, result) { this.bulk.confirmed(job, result); }

  /** @param {Job} job @param {string} message */
  refused(job, message) { this.bulk.refused(job, message); }

  /** @param {string} text */
  fail(text) {
    this.ready();
    this.grid.hidden = true;
    this.empty.hidden = false;
    this.empty.replaceChildren(h('p', { text }));
  }
}
