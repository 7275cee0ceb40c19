// One page of the grid: its images, and how they are marked until they are saved.

/** @import { Decision, GridItem, GridPage, Mode, Source } from '../shared/wire.d.ts' */

/** @typedef {Decision | 'unsure'} Mark */
/** @typedef {{ category: number, mode: Mode, like: number | null }} About what a page is about; `like`: the image that others should be like */
/** @typedef {{ states: Map<number, Mark>, touched: Set<number>, rest: Set<number> }} Marks */

/** @type {Map<Mark | undefined, Mark | null>} */
const TURN = new Map([[undefined, 'present'], ['present', 'absent'], ['absent', null], ['unsure', 'present']]);

export class ImagePage {
  since = 0; // when it came on the screen

  isCommitted = false; // and the next one is on its way

  isUnheld = false; // loaded without a lease

  refusal = ''; // why the server gave none

  /**
   * @param {About} about
   * @param {Omit<GridPage, 'category' | 'mode'>} given
   * @param {number | null} turn of the page cache: an older one is out of date
   */
  constructor(about, { version, basis, bulk, elsewhere, gone, items }, turn) {
    this.about = about;
    this.turn = turn;
    this.version = version;
    this.basis = basis;
    this.bulk = bulk;
    this.elsewhere = elsewhere;
    this.gone = gone;
    this.items = items;
    /** @type {Map<number, Mark>} */
    this.states = new Map();
    for (const { id, guess } of items) if (guess) this.states.set(id, guess);
    /** @type {Set<number>} */
    this.touched = new Set(); // marked by hand
    /** @type {Set<number>} */
    this.rest = new Set(); // marked with the rest
    /** @type {Map<number, string>} */
    this.after = new Map(); // image id -> own operation that the next answer comes after
  }

  /** @param {About} about @param {string} refusal */
  static refused(about, refusal) {
    const page = new ImagePage(about, { version: null, basis: '', bulk: false, elsewhere: 0, gone: [], items: [] }, null);
    page.refusal = refusal;
    return page;
  }

  // A copy without some images, with the same marks: the page itself may be one to undo.
  /** @param {Set<number>} ids */
  without(ids) {
    const page = new ImagePage(this.about, { ...this, items: this.items.filter(({ id }) => !ids.has(id)) }, this.turn);
    return Object.assign(page, { states: this.states, touched: this.touched, rest: this.rest, after: this.after });
  }

  // As JSON can keep it, and back.
  get stored() { return { ...this, states: [...this.states], touched: [...this.touched], rest: [...this.rest], after: [...this.after] }; }

  /** @param {ImagePage['stored']} stored */
  static restored(stored) {
    const page = new ImagePage(stored.about, stored, null);
    page.states = new Map(stored.states);
    page.touched = new Set(stored.touched);
    page.rest = new Set(stored.rest);
    page.after = new Map(stored.after);
    return page;
  }

  // ---- marking

  // With a guess: present or absent. Without one: not marked, present, absent in turn.
  /** @param {GridItem} item */
  flip(item) {
    const state = this.states.get(item.id);
    if (item.guess || this.rest.has(item.id)) this.mark(item, state === 'present' ? 'absent' : 'present');
    else this.mark(item, TURN.get(state) ?? null);
  }

  // The same mark again takes it back to what it was.
  /** @param {GridItem} item @param {Mark | null} state */
  mark(item, state) {
    if (state === 'unsure' && this.states.get(item.id) === 'unsure') this.#set(item, item.guess ?? null, false);
    else this.#set(item, state, state !== null);
  }

  /** @param {Decision} state */
  markAll(state) {
    for (const item of this.items) if (this.states.get(item.id) !== state) this.#set(item, state, true);
  }

  /** @param {GridItem[]} items */
  markRest(items) {
    for (const item of items) {
      this.#set(item, 'absent', false);
      this.rest.add(item.id);
    }
  }

  /** @param {GridItem[]} items */
  unmark(items) { for (const item of items) this.#set(item, null, false); }

  /** @param {GridItem} item @param {Mark | null} state @param {boolean} byHand */
  #set(item, state, byHand) {
    this.rest.delete(item.id);
    if (state) this.states.set(item.id, state); else this.states.delete(item.id);
    if (byHand) this.touched.add(item.id); else this.touched.delete(item.id);
  }

  /** @returns {Marks} */
  get marks() { return { states: new Map(this.states), touched: new Set(this.touched), rest: new Set(this.rest) }; }

  /** @param {Marks} marks */
  set marks({ states, touched, rest }) {
    this.states = states;
    this.touched = touched;
    this.rest = rest;
  }

  // ---- what is marked

  /** @param {GridItem} item */
  isMarked({ id }) { return this.states.has(id); }

  // Whether somebody has begun with it.
  get isTouched() { return this.touched.size > 0 || this.rest.size > 0; }

  // Who says so: a person about this image, a person about the rest, or the model.
  /** @param {number} id */
  markedBy(id) { return this.touched.has(id) ? 'hand' : this.rest.has(id) ? 'rest' : 'guess'; }

  /** @param {number} id @returns {Source} */
  source(id) { return this.touched.has(id) ? 'human' : this.rest.has(id) ? 'swept' : 'accepted_in_bulk'; }

  /** @param {GridItem} item */
  text({ id }) {
    const state = this.states.get(id);
    return state === 'unsure' ? 'cannot tell' : state ?? 'not marked';
  }

  tally() {
    const count = (/** @type {Mark} */ state) => this.items.filter(({ id }) => this.states.get(id) === state).length;
    const [present, absent, unsure] = [count('present'), count('absent'), count('unsure')];
    return { present, absent, unsure, open: this.items.length - present - absent - unsure, all: present + absent + unsure };
  }
}
