// The Images page: all images as a grid or a table, found by what is known of them, answered many at once.

import { store, stored } from '../shared/browser_store.js';
import { CATEGORIES } from '../shared/category_changes.js';
import { button, formatNumber, h } from '../shared/dom.js';
import { filterOfIds, selectionQuery } from '../shared/image_selection.js';
import { keyOr } from '../shared/key_or_button.js';
import { isByLikeness, similarTo } from '../shared/similar_images.js';
import { WorkScreen } from '../shared/work_screen.js';
import { BulkAnswers } from './bulk_answers.js';
import { selectDuplicates } from './duplicates.js';
import { FilterBar } from './filter_bar.js';
import { COLUMNS, makeRow } from './image_rows.js';
import { ImagesState } from './images_state.js';
import { commandOf, HELP, mayRepeat } from './keys.js';
import { MapView } from './map_view.js';
import { ANSWERS, PageBars } from './page_bars.js';
import { TableHeader } from './table_header.js';
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
export class ImagesPage extends WorkScreen {
  /** @type {ImagesState} */
  state;

  /** @type {BulkAnswers} */
  bulk;

  isTable = false;

  isMap = false;

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
    this.header = new TableHeader({ onSort: (by) => this.filters.sortBy(by) });
    this.grid = h('div', { class: 'im-grid', role: 'grid', 'aria-label': 'Images', 'aria-multiselectable': 'true' }, this.header.element, this.list.box);
    this.map = new MapView({
      state: () => this.state, server: () => this.server, open: (id) => this.#openId(id), say: (text) => this.say(text),
      chosen: (count) => { if (count) this.say(`${counted(count, 'image')} added to the selection`); this.draw(); },
    });
    this.empty = h('div', { class: 'im-empty', role: 'status', hidden: true });
    this.bars = new PageBars({
      answer: (state) => this.#answer(state), showSimilar: () => this.#showSimilar(), refresh: () => this.refresh(), toggleView: () => this.#toggleView(), toggleMap: () => this.#toggleMap(),
      goOn: (page) => this.#goOn(page), selectNone: () => this.#selectNone(), undo: () => this.bulk?.undo(), redo: () => this.bulk?.redo(), help: () => this.help.showModal(),
    });
    this.page = h('div', { class: 'im-page' });
    this.mount();
  }

  build() {
    const { top, foot } = this.bars.elements(this.saved);
    this.page.append(this.filters.element, top, this.grid, this.map.element, this.empty, foot, this.notices.element);
    return [this.page];
  }

  // ---- beginning

  /** @param {ListStart} start */
  prepare(start) {
    const { server, queue, guard, me } = this;
    this.state = new ImagesState({ server, nameOf: (id) => this.categoryNames?.get(id) ?? 'a category' }, { draw: () => this.draw() });
    this.bulk = new BulkAnswers({ server, queue, guard, me }, {
      notify: (text) => this.notify(text), tell: (text) => this.tell(text), changed: () => { this.state.expire(); this.#wantRows(); this.map.refresh(); },
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
    this.isMap = query.get('view') === 'map';
    this.filters.show({ filter: query.get('filter') ?? '', sort: query.get('sort') ?? '', category: this.categoryNames?.has(id) ? id : null });
    const [hash, place] = (sessionStorage.getItem(PLACE_KEY) ?? '').split('\n');
    return this.search(hash === location.hash ? Number(place) : undefined);
  }

  // ---- finding

  get #hash() {
    const { filter, sort, category } = this.filters.wanted;
    const said = { ...(filter && { filter }), ...(sort && { sort }), ...(category && { category: String(category) }), ...(this.isMap ? { view: 'map' } : this.isTable && { view: 'table' }) };
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
    this.bars.refreshButton.classList.remove('primary');
    this.filters.show({ ...wanted, category: state.wanted.category });
    this.#layout();
    this.list.reveal(Math.floor(state.focus / this.columns));
    this.map.refresh();
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
    this.bars.refreshButton.classList.add('primary');
    this.bars.refreshButton.title = 'Something was answered since; the list may be another one.';
    state.expire();
    this.#wantRows();
    this.map.refresh();
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
    this.grid.hidden = !length || this.isMap;
    this.map.element.hidden = !length || !this.isMap;
    this.empty.hidden = Boolean(length);
    this.empty.replaceChildren(h('p', { text: state.wanted.filter ? 'No image fits this filter.' : 'There is no image.' }),
      ...(state.wanted.filter ? [button('Show all images', null, () => { this.filters.show({ filter: '', sort: state.wanted.sort, category: state.wanted.category }); this.#changed(); }, 'primary')] : []));
    this.header.element.hidden = !isTable;
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
    this.map.draw();
    this.bars.draw(state, { isTable, isMap: this.isMap });
    this.header.draw(state.wanted.sort, state.categoryName);
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

  // All images by likeness to the chosen ones; a filter on top of it says among which.
  #showSimilar() {
    const { chosen, wanted: { category } } = this.state;
    if (!chosen.length || this.isNothingChosen()) return;
    this.isMap = false;
    this.filters.show({ ...similarTo(chosen), category });
    this.#changed();
  }

  // ---- other pages

  // The image with the list behind it, so that the next one is the next of the list.
  /** @param {number} id */
  #openId(id) {
    const place = this.state.ids.indexOf(id);
    if (place >= 0) this.#open(place);
    else location.assign(`./#${id}`);
  }

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
    location.assign(`./${page}${query}${page && category ? `#${category}-${isByLikeness(sort) ? 'like' : 'uncertain'}` : ''}`);
  }

  leave() {
    if (this.state?.focused) sessionStorage.setItem(PLACE_KEY, `${location.hash}\n${this.state.focused}`);
  }

  // ---- answering

  // On the map no image is in focus.
  isNothingChosen() {
    const isNothing = this.isMap && !this.state.selected.size;
    if (isNothing) this.notify('Select images on the map first.');
    return isNothing;
  }

  /** @param {BulkState} state */
  async #answer(state) {
    const { wanted: { category }, categoryName, byHand, chosen } = this.state;
    if (category === null) {
      this.notify('Choose the category first: K.');
      return;
    }
    if (this.isNothingChosen()) return;
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
    if (this.isMap && this.map.do(command)) return;
    const direction = /^(?:extend)?(left|right|up|down|pageup|pagedown|first|last)$/i.exec(command)?.[1].toLowerCase();
    if (direction) this.#move(direction, command.startsWith('extend'));
    const answer = ANSWERS.find(([each]) => each === command);
    if (answer) this.#answer(answer[0]);
    /** @type {Record<string, () => unknown>} */
    const commands = {
      select: () => state.ids.length && state.toggle(state.focus), selectAll: () => state.selectAll(), selectNone: () => state.selectNone(),
      category: () => this.filters.category.focus(), filter: () => this.filters.enter(), open: () => this.#open(state.focus),
      label: () => this.#goOn(''), verify: () => this.#goOn('verify'), view: () => this.#toggleView(), map: () => this.#toggleMap(), larger: () => this.#resize(1), smaller: () => this.#resize(-1),
      like: () => this.#showSimilar(), duplicates: () => selectDuplicates(this), undo: () => this.bulk.undo(), redo: () => this.bulk.redo(), refresh: () => this.refresh(), help: () => this.help.showModal(),
    };
    commands[command]?.();
    if (command.startsWith('select')) this.say(`${formatNumber(state.selected.size)} selected`);
    this.draw();
  }

  #toggleMap() {
    this.isMap = !this.isMap;
    this.#showView();
    if (this.isMap) this.map.canvas.focus({ preventScroll: true });
    this.map.refresh();
  }

  #toggleView() {
    this.isTable = this.isMap ? this.isTable : !this.isTable;
    this.isMap = false;
    this.#showView();
  }

  #showView() {
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
