// What the Images page is about: which images fit, which are selected and in focus, what is known of
// those that are drawn. It changes through these methods only; the page draws what it reads here.

import { unpackIds } from '../shared/image_selection.js';

/** @import { Failure, ListedImages, ListRow, Reply } from '../shared/wire.d.ts' */
/** @import { Server } from '../shared/server.js' */

/** @typedef {{ filter: string, sort: string, category: number | null }} Wanted `category`: the one that the list is about */

const MOST_ASKED = 200; // rows of one request
const KEPT = 4000; // rows that are remembered

export class ImagesState {
  ids = new Uint32Array();

  total = 0; // images of the project

  /** @type {number | null} */
  version = null;

  /** @type {Wanted} */
  wanted = { filter: '', sort: '', category: null };

  /** @type {Map<number, ListRow>} */
  rows = new Map();

  /** @type {Set<number>} */
  selected = new Set();

  /** @type {Set<number>} */
  byHand = new Set(); // those among the selected that were picked one by one

  focus = 0; // place in the list

  /** @type {number | null} */
  anchor = null; // where a selection of several began

  searches = 0;

  /** @type {number[]} */
  #coming = []; // rows that are wanted next

  #isAsking = false;

  /** @type {Set<number>} */
  #stale = new Set(); // rows that something may have changed in

  /** @param {{ server: Server, nameOf: (id: number) => string }} parts `nameOf`: a category @param {{ draw: () => void }} view */
  constructor({ server, nameOf }, view) {
    this.server = server;
    this.nameOf = nameOf;
    this.view = view;
  }

  get focused() { return this.ids[this.focus]; }

  get categoryName() { return this.wanted.category === null ? '' : this.nameOf(this.wanted.category); }

  // ---- listing

  // The reply, null if a newer search has begun. What is in focus stays in focus where it is listed.
  /** @param {Wanted} wanted @param {number} [focus] id of an image @returns {Promise<Reply<ListedImages> | null>} */
  async list(wanted, focus) {
    this.searches += 1;
    const search = this.searches;
    const found = await this.server.call('list_images', { filter: wanted.filter, sort: wanted.sort });
    if (search !== this.searches) return null;
    if (!found.ok) return found;
    const before = focus ?? this.focused;
    const isSame = wanted.filter === this.wanted.filter;
    this.ids = unpackIds(found.ids);
    this.total = found.total;
    this.version = found.version;
    this.setCategory(wanted.category ?? found.category);
    this.wanted = { ...this.wanted, filter: wanted.filter, sort: wanted.sort };
    this.focus = Math.max(0, this.ids.indexOf(before));
    this.anchor = null;
    const there = new Set(isSame ? this.ids : []);
    for (const chosen of [this.selected, this.byHand]) for (const id of chosen) if (!there.has(id)) chosen.delete(id);
    this.expire();
    return found;
  }

  /** @param {number | null} category */
  setCategory(category) {
    if (category === this.wanted.category) return;
    this.wanted = { ...this.wanted, category };
    this.expire();
  }

  // Something has changed: what is drawn stays until the server has said it anew.
  expire() { this.#stale = new Set(this.rows.keys()); }

  // The images that are drawn now.
  /** @param {number[]} ids */
  want(ids) {
    this.#coming = ids.filter((id) => !this.rows.has(id) || this.#stale.has(id)).slice(0, MOST_ASKED);
    this.#ask();
  }

  async #ask() {
    if (this.#isAsking || !this.#coming.length) return;
    this.#isAsking = true;
    const [asked, category] = [this.#coming, this.wanted.category];
    for (const id of asked) this.#stale.delete(id);
    this.#coming = [];
    const got = await this.server.call('list_rows', { ids: asked, category });
    this.#isAsking = false;
    if (got.ok && category === this.wanted.category) this.#take(got.rows);
    if (!got.ok) for (const id of asked) if (this.rows.has(id)) this.#stale.add(id);
    this.#ask();
  }

  /** @param {ListRow[]} rows */
  #take(rows) {
    for (const row of rows) this.rows.set(row.id, row);
    for (const id of this.rows.keys()) {
      if (this.rows.size <= KEPT) break;
      this.rows.delete(id);
      this.#stale.delete(id);
    }
    this.view.draw();
  }

  // What somebody has just said, until the server says it.
  /** @param {Iterable<number>} ids @param {ListRow['state']} state */
  show(ids, state) {
    for (const id of ids) {
      const row = this.rows.get(id);
      if (row) this.rows.set(id, { ...row, state, suggested: false });
    }
  }

  // ---- focus and selection

  /** @param {number} place */
  moveTo(place) { this.focus = Math.max(0, Math.min(this.ids.length - 1, place)); }

  /** @param {number} place */
  toggle(place) {
    this.toggleId(this.ids[place]);
    this.anchor = place;
  }

  /** @param {number} id */
  toggleId(id) {
    const isSelected = !this.selected.has(id);
    for (const chosen of [this.selected, this.byHand]) {
      if (isSelected) chosen.add(id);
      else chosen.delete(id);
    }
  }

  // Everything between where the selection began and a place is selected; what was, stays.
  /** @param {number} place */
  extendTo(place) {
    this.anchor ??= this.focus;
    const [from, to] = [Math.min(this.anchor, place), Math.max(this.anchor, place)];
    for (const id of this.ids.subarray(from, to + 1)) this.selected.add(id);
  }

  selectAll() { this.selected = new Set(this.ids); }

  /** @param {Iterable<number>} ids those that are listed are selected, too */
  selectAlso(ids) {
    const listed = new Set(this.ids);
    for (const id of ids) if (listed.has(id)) this.selected.add(id);
  }

  selectNone() {
    this.selected.clear();
    this.byHand.clear();
    this.anchor = null;
  }

  get isAllSelected() { return this.selected.size === this.ids.length && this.ids.length > 0; }

  // What an answer is about: the selected images, else the one in focus.
  get chosen() { return this.selected.size ? [...this.selected] : this.ids.slice(this.focus, this.focus + 1); }

  /** @param {Failure} _failure */
  fail(_failure) { this.ids = new Uint32Array(); }
}
