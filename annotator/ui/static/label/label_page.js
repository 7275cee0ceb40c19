// The Label page: one image, its categories, and the keys between them.

import { button, h, reveal, viewOf } from '../shared/dom.js';
import { digitOf } from '../shared/keyboard.js';
import { WorkScreen } from '../shared/work_screen.js';
import { Album } from './album.js';
import { imageToolsOf, leftOf } from './bars.js';
import { CategoryHotkeys } from './category_hotkeys.js';
import { CategoryList } from './category_list.js';
import { CategorySearch } from './category_search.js';
import { commandsOfPage } from './commands.js';
import { EndPage } from './end_page.js';
import { Evidence } from './evidence.js';
import { FirstKeys } from './first_steps.js';
import { FlagDialog } from './flag_dialog.js';
import { Foot } from './foot.js';
import { HistoryDialog } from './history_dialog.js';
import { commandOf, givesWay, HELP, mayRepeat } from './keys.js';
import { ImageAddress } from './image_address.js';
import { ImageMarks } from './image_marks.js';
import { LabelState } from './label_state.js';
import { LikelyStrip } from './likely_strip.js';
import { Milestone } from './milestone.js';
import { OpenImageDialog } from './open_image_dialog.js';
import { ProbeSchedule } from './probe_schedule.js';
import { RareNote } from './rare_note.js';
import { Stage } from './stage.js';
import { ThumbnailStrip } from './thumbnail_strip.js';

/** @import { Flag, Start, State } from '../shared/wire.d.ts' */
/** @import { Done, Job } from '../shared/save_queue.js' */
/** @import { CategoryGroup } from './category_group.js' */
/** @import { CategoryRow } from './category_row.js' */

export class LabelPage extends WorkScreen {
  /** @type {LabelState} */
  state;

  /** @type {CategoryList} */
  rows;

  /** @type {CategorySearch} */
  search;

  /** @type {ProbeSchedule} */
  probes;

  /** @type {ImageAddress} */
  address;

  /** @type {Record<string, () => unknown>} */
  commands = {};

  /** @type {CategoryRow | null} */
  focus = null;

  /** @type {CategoryRow | null} */
  beforeSearch = null; // where a search that finds nothing goes back to

  /** @type {number | null} */
  nextFrame = null;

  completes = true; // what the main key does, a setting

  top = '';

  /** @param {HTMLElement} root @param {Record<string, (data: object) => Promise<any>>} functions */
  constructor(root, functions) {
    super(root, functions, { page: 'label', help: HELP, takesSelection: true });
    const { server } = this;
    this.stage = new Stage({
      onBanner: () => this.state.refresh(), onFlag: () => this.commands.flag(),
      onBroken: (reason) => this.state.setProblem(reason), onDrawn: () => this.gate.open(),
    });
    this.tools = imageToolsOf(this);
    this.milestone = new Milestone(this.status);
    this.right = h('section', { class: 'an-right', 'aria-label': 'Labels' });
    this.strip = new ThumbnailStrip(new ImageMarks(server, () => [...this.rows.byId.keys()]), (place) => this.state.goTo(place));
    this.firstKeys = new FirstKeys();
    this.flagDialog = new FlagDialog(server, { onChange: (image, flags) => this.#flagged(image, flags) });
    this.openImageDialog = new OpenImageDialog(server, this.strip.marks, { onPick: (image) => this.state.openImage(image) });
    this.history = new HistoryDialog(server);
    this.end = new EndPage(this);
    this.rare = new RareNote(this);
    this.evidence = new Evidence(server, { onClose: () => this.draw() });
    this.hotkeys = new CategoryHotkeys(server, this.stage.typed, {
      onPick: (id, state) => this.state.item && this.#pick(this.rows.rowOf(id), state), onKeys: (keys) => this.#takeKeys(keys),
    });
    this.foot = new Foot(this);
    this.likely = new LikelyStrip({ nameOf: (id) => this.rows.byId.get(id)?.name ?? '', begins: (text) => this.rows.names.begins(text), onPick: (id, state) => this.state.toggle(id, state) });
    this.mount();
  }

  build() {
    return [h('div', { class: 'an-board' }, leftOf(this), this.right), this.end.element,
      ...[this.flagDialog, this.openImageDialog, this.history, this.hotkeys, this.tools.information].map(({ element }) => element)];
  }

  // ---- beginning

  /** @param {Start} start */
  prepare({ categories, implies, project, version, labelling }) {
    this.completes = labelling.enter === 'complete';
    const owner = `${project.key}:${this.me}`;
    const album = new Album(this.server, this.queue, owner, { version, implies, selection: this.selection });
    this.rows = new CategoryList(categories, {
      onPick: (row, state) => this.#pick(row, state), onSweep: (group) => this.sweepGroup(group), onOpen: () => this.draw(),
    });
    const { server, queue, guard, me, categoryNames: names = new Map() } = this;
    this.state = new LabelState({ server, queue, guard, album, me, names }, {
      showImage: () => this.#showImage(), draw: () => this.draw(), drawNeighbours: () => this.strip.draw(album),
      fail: (text) => this.fail(text), retry: (text, again) => this.retry(text, again), notify: (text) => this.notify(text), tell: (text) => this.tell(text), say: (text) => this.say(text),
      isDrawn: () => this.stage.isDrawn, takesCommit: () => this.gate.takes(),
      interlude: () => { this.rare.turn(); return this.probes.turn(); }, end: () => this.end.open(),
    });
    this.address = new ImageAddress(this);
    this.hotkeys.use(categories);
    this.search = new CategorySearch({
      onText: (text) => this.#filter(text), onMove: (step) => this.moveFocus(step),
      onPick: (state) => this.#pickFound(state), onDigit: (place, state) => this.likely.onDigit(place, state), onLeave: (isWanted) => this.#leaveSearch(isWanted),
      finds: (text) => this.rows.names.matching(text).length > 0, say: (text) => this.notify(text),
    });
    this.probes = new ProbeSchedule(this, owner);
    const why = button('Why?', 'E', () => this.toggleEvidence());
    why.title = 'Why is this suggested? (E)';
    this.right.replaceChildren(h('div', { class: 'an-seek' }, this.search.element, why), this.likely.element, this.milestone.element, this.rare.element, this.rows.box, this.foot.element);
    this.commands = commandsOfPage(this);
    this.#listen();
  }

  #listen() {
    const update = () => this.#updateViewSoon();
    this.rows.box.addEventListener('scroll', update, { passive: true });
    addEventListener('scroll', update, { passive: true });
    addEventListener('resize', update);
    new ResizeObserver(update).observe(this.unsaved.element);
  }

  /** @param {Start} start @returns {Promise<unknown>} */
  async open(start) {
    const named = this.address.read();
    const place = await this.state.firstPlace(named ?? 0, this.selection ? this.selection.ids[0] : start.resume);
    if (place === null) return this.retry('No image can be loaded right now; trying again.', () => this.open(start));
    if (!named && this.state.endsHere(place)) return this.end.open();
    this.firstKeys.showOnce();
    return this.state.goTo(place);
  }

  leave() { this.state?.leave(); }

  // ---- another image

  #showImage() {
    const { item, album } = this.state;
    if (!item) return;
    const { box } = this.rows;
    const from = { list: box.scrollTop, page: scrollY }; // asked first: later it would cost a layout
    this.ready();
    this.end.close();
    this.gate.close();
    this.stage.show(item);
    this.stage.showFlags(item.flags);
    this.firstKeys.turn();
    this.hotkeys.cancel();
    this.search.clear();
    this.#useCategories();
    const news = this.rows.ask(item);
    if (news) this.say(news);
    this.likely.show(item, !this.rows.isShort);
    this.#drawBanner();
    this.keycaps.paint();
    if (from.list) box.scrollTop = 0;
    if (from.page) scrollTo(0, 0);
    this.focus = this.#firstSuggestion ?? this.rows.visible[0] ?? null;
    this.beforeSearch = this.focus;
    this.strip.draw(album);
    this.milestone.show(item);
    this.address.write();
    this.draw();
  }

  // What somebody has changed since the image before.
  #useCategories() {
    const list = this.takeCategories();
    if (!list) return;
    this.rows.use(list.categories);
    this.hotkeys.use(list.categories);
    this.state.album.useImplications(list.implies);
  }

  categoriesComing() { this.state?.album.expectCategories(); }

  orderComes() { this.state?.useOrder(); }

  /** @param {number | null} number */
  newVersion(number) {
    this.milestone.update();
    if (!this.state || number === null) return;
    this.state.useVersion(number);
    this.#drawBanner();
  }

  /** @param {number} image @param {Flag[]} flags */
  #flagged(image, flags) {
    this.state.setFlags(image, flags);
    if (image === this.state.item?.id) this.stage.showFlags(flags);
    this.strip.mark(this.state.album.items);
  }

  /** @param {Record<string, string>} keys by category id */
  #takeKeys(keys) {
    this.rows.setKeys(keys);
    this.hotkeys.use([...this.rows.byId.values()]);
    this.keycaps.paint();
  }

  // ---- drawing

  draw() {
    const { state, focus } = this;
    if (!state?.item) return;
    this.rows.draw(state.item, focus);
    this.likely.draw(state.item);
    this.#drawSearch();
    this.#drawBanner();
    this.tools.draw();
    this.#updateViewSoon();
    this.strip.mark(state.album.items);
    this.stage.showContradictions(state.item.contradictions.map(([present, absent]) => (
      `${state.nameOf(present)} is present, but ${state.nameOf(absent)} is absent: change one of them.`)).join(' '));
    if (this.evidence.isOpen && focus) this.evidence.show(state.item, focus.category);
  }

  // A version that the image on the screen does not show.
  #drawBanner() {
    const { item, album: { version } } = this.state;
    this.stage.showVersion(item && version !== null && item.version !== version ? version : null);
  }

  // The categories whose rows can be seen now, and all that are listed.
  get scope() {
    return { view: this.rows.categoriesIn(viewOf(this.rows.box, { above: this.stage.element, below: this.foot.element })), listed: this.rows.listed };
  }

  // Where rows lie costs a layout, so it is asked once a frame, right before that is painted.
  #updateViewSoon() {
    this.nextFrame ??= requestAnimationFrame(() => {
      this.nextFrame = null;
      this.#fit();
      this.#updateView();
    });
  }

  // What is in view now: remembered for the visit, and counted on the buttons that answer it.
  #updateView() {
    const { state, scope } = this;
    if (!state.item) return;
    state.see(scope.view);
    this.foot.draw(state.item, scope);
  }

  // The page takes what the window leaves below the status line.
  #fit() {
    const board = this.root.querySelector('.an-board');
    if (!board) return;
    const top = `${Math.round(board.getBoundingClientRect().top + scrollY)}px`;
    if (this.top !== top) this.root.style.setProperty('--an-top', top);
    this.top = top;
  }

  // ---- the row in focus

  /** @param {CategoryRow | null} row */
  #setFocus(row) {
    this.focus = row;
    if (row) reveal(row.element, this.rows.box);
    this.draw();
  }

  /** @param {number} step */
  moveFocus(step) {
    const rows = this.rows.visible;
    if (!rows.length) return;
    const place = this.focus ? rows.indexOf(this.focus) : -1;
    this.#setFocus(rows[(place + step + rows.length) % rows.length]);
  }

  // A accepts it without another key; digits stay with their rows, so it need not be the first one.
  get #firstSuggestion() { return this.rows.visible.find(({ category: { id } }) => this.state.item?.isOpen(id) && this.state.item.suggested.has(id)); }

  focusNextSuggestion() {
    const { item } = this.state;
    const rows = this.rows.visible;
    const start = this.focus ? rows.indexOf(this.focus) : -1;
    const inTurn = [...rows.slice(start + 1), ...rows.slice(0, start + 1)];
    const found = inTurn.find(({ category: { id } }) => item?.isOpen(id) && item.suggested.has(id));
    if (found) this.#setFocus(found);
    else this.notify('No open suggestion on this image.');
  }

  toggleGroups() {
    const { item } = this.state;
    if (!item) return;
    this.rows.toggleGroups(item);
    const isGone = !this.focus || !this.rows.visible.includes(this.focus);
    this.#setFocus(isGone ? this.rows.visible[0] ?? null : this.focus);
  }

  toggleEvidence() {
    const { item } = this.state;
    if (!item || !this.focus) return;
    if (this.evidence.isOpen) this.evidence.hide();
    else this.evidence.show(item, this.focus.category);
    this.#updateViewSoon();
  }

  // ---- answering

  /** @param {CategoryGroup | undefined} group */
  sweepGroup(group) { if (group) this.state.sweep(group.ids, group.name); }

  /** @param {CategoryRow | null} row @param {State} state @param {'answer' | 'named'} [kind] */
  #pick(row, state, kind) {
    if (!row) return;
    this.beforeSearch = row;
    this.#setFocus(row);
    this.state.toggle(row.category.id, state, kind);
  }

  // Returns the category that was answered.
  /** @param {State} state */
  #pickFound(state) {
    const { focus } = this;
    if (!focus || !this.state.item) return null;
    this.#pick(focus, state, 'named');
    if (state === 'present') this.likely.named(focus.category.id);
    return focus.category.id;
  }

  /** @param {string} text */
  #filter(text) {
    this.rows.filter(text, this.state.item?.likely);
    if (text.trim()) return this.#setFocus(this.rows.foundRows[0] ?? null);
    this.focus = this.beforeSearch && this.rows.standingFor(this.beforeSearch.category.id);
    return this.draw();
  }

  // The list is again as it was before, so that Enter answers what its button said; only a row that
  // was found, but not answered, is gone to.
  /** @param {boolean} isWanted */
  #leaveSearch(isWanted) {
    const wanted = isWanted ? this.focus : null;
    this.#filter('');
    if (wanted) this.#setFocus(this.rows.rowOf(wanted.category.id));
  }

  #drawSearch() {
    const marks = new Map([['present', '✓'], ['absent', '✕'], ['unsure', '?'], ['conflict', '≠']]);
    this.search.draw(this.focus?.category.name, (id) => `${marks.get(this.state.item?.state(id) ?? '') ?? '·'} ${this.state.nameOf(id)}`);
  }

  // ---- keys

  /** @param {KeyboardEvent} event */
  key(event) {
    if (this.end.isOpen) return this.end.key(event);
    if (this.hotkeys.typed && !event.repeat && this.hotkeys.key(event)) return true;
    const digit = digitOf(event);
    if (digit >= 0) {
      const row = this.rows.onDigit(digit); // the category is fixed here, by what the row shows now
      if (row && this.state.item && !event.repeat) this.#pick(row, event.shiftKey ? 'absent' : 'present');
      return true;
    }
    const command = commandOf(event);
    if (givesWay(command) && !event.repeat && this.state.item && this.hotkeys.key(event)) return true;
    if (!command) return this.rare.handle(event);
    if (!event.repeat || mayRepeat(command)) this.commands[command]();
    return true;
  }

  // ---- what the server says, and messages

  /** @param {Job} job @param {Done} result */
  confirmed(job, result) {
    this.milestone.answered();
    this.end.refresh();
    return this.state.confirmed(job, result);
  }

  /** @param {Job} job @param {string} message */
  refused(job, message) { return this.state.refused(job, message); }

  /** @param {string} text */
  fail(text) {
    this.ready();
    this.stage.clear(text);
  }
}
