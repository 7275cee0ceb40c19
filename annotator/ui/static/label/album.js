// The images of this tab in the order they are looked at, and what is known of each.

import { ImagePreloader } from '../shared/image_preloader.js';
import { Item } from './item.js';

/** @import { ById, Implies, ItemData } from '../shared/wire.d.ts' */
/** @import { ImageSelection } from '../shared/image_selection.js' */
/** @import { SaveQueue } from '../shared/save_queue.js' */
/** @import { Server } from '../shared/server.js' */

const AHEAD = 8; // images fetched before they are needed
const DECODED = 3; // of them with the image; the one on the screen is kept as well
const BATCH = 12;
const REMEMBERED = 200; // images one can go back to, after a reload too
const KEPT = 80; // images of which all is known
const MOST_ITEMS = 50; // the server gives no more items at once
const BEHIND = 12; // images behind the one on the screen that need no second look: their visits may be on their way

export class Album {
  /**
   * @param {Server} server
   * @param {SaveQueue} queue knows what is not confirmed yet
   * @param {string} owner names this annotator in this project, for what this tab remembers
   * @param {{ version: number | null, implies: ById<Implies>, selection: ImageSelection | null }} start `implies`: what a label of a category decides
   */
  constructor(server, queue, owner, { version, implies, selection }) {
    this.selection = selection; // the images that come at all, null: those most worth labelling
    this.server = server;
    this.queue = queue;
    this.implies = implies;
    /** @type {number[]} */
    this.ids = [];
    this.at = -1;
    this.isBetween = false; // an image that was not there has been taken out: the place is the one before it
    /** @type {Map<number, Item>} */
    this.items = new Map();
    /** @type {Map<number, number>} */
    this.missed = new Map(); // image id -> answers that were confirmed while it was not here
    /** @type {number | null} */
    this.again = null; // from this place on all have been visited before
    this.isAgainTold = false; // the annotator knows
    this.version = version;
    /** @type {number | undefined} */
    this.rankings = undefined; // of so many categories images are ranked by likeness
    /** @type {Map<number, number>} */
    this.skipped = new Map(); // image id -> how many there were then
    this.isLookingAhead = false;
    this.turn = 0; // how often what was fetched has gone out of date
    /** @type {Set<number>} */
    this.shown = new Set(); // images that have been on the screen
    this.orders = 0; // how often the server has changed its order
    this.preloader = new ImagePreloader(1280, DECODED + 1);
    this.key = `annotator-trail:${owner}${selection ? `:${selection.name}` : ''}`;
  }

  get id() { return this.ids[this.at]; }

  // Returns the place to start at: where this tab was, else at `first`; null if there is no image to show.
  /** @param {number} wanted @param {number | null} first */
  async open(wanted, first) {
    const trail = recall(this.key);
    this.ids = trail.ids;
    const start = wanted || trail.ids[trail.at] || first;
    if (start && !this.ids.includes(start)) this.ids.push(start);
    this.at = this.ids.indexOf(start ?? 0);
    await this.more();
    return this.ids.length ? Math.max(0, this.at) : null;
  }

  // Ask for further images. Once all have been visited they come round again, from place `again` on.
  /** @returns {Promise<boolean>} false if the server does not answer */
  async more() {
    const { orders } = this;
    let given = await this.#ask(this.#leftOut());
    if (given.ok && given.done && this.skipped.size) given = await this.#ask(this.#leftOut(0)); // nothing else is left
    if (!given.ok) return !given.away;
    if (orders !== this.orders) return this.more();
    for (const id of given.images) this.skipped.delete(id);
    if (!given.done || this.again === null) this.isAgainTold = false;
    this.again = given.done ? this.again ?? this.ids.length : null;
    const ahead = this.ids.slice(this.at + 1); // what somebody else asked for meanwhile
    this.ids.push(...given.images.filter((id) => !ahead.includes(id)));
    if (given.done && !given.images.length && this.ids.length > 1) this.ids.push(...new Set(this.ids));
    return true;
  }

  /** @param {number[]} exclude */
  #ask(exclude) {
    if (this.selection) return this.selection.next(this.server, this.queue.tab, BATCH, exclude);
    return this.server.call('next_images', { tab: this.queue.tab, count: BATCH, exclude });
  }

  // What needs no second look; an image that was skipped does, some images later.
  #leftOut(later = BATCH) {
    const isBack = (/** @type {number} */ id) => id !== this.id && this.ids.length - (this.skipped.get(id) ?? Infinity) >= later;
    return this.ids.slice(Math.max(0, this.at - BEHIND)).filter((id) => !isBack(id));
  }

  // It comes back some images later.
  /** @param {number} id */
  skip(id) { this.skipped.set(id, this.ids.length); }

  // True, once, if all images from this place on have been visited before.
  /** @param {number} place */
  endsAt(place) {
    if (this.again === null || place < this.again || this.isAgainTold) return false;
    this.isAgainTold = true;
    return true;
  }

  // Turn to a place of the order.
  /** @param {number} place */
  turnTo(place) {
    this.at = place;
    this.isBetween = false;
    this.shown.add(this.id);
    this.selection?.show(this.id);
  }

  // The server gives the images in another order by now: those that nobody has looked at come in it.
  reorder() {
    if (this.selection) return null; // it has an order of its own
    this.ids = this.ids.filter((id, place) => place <= this.at || this.shown.has(id));
    this.again = null;
    this.orders += 1;
    this.#dropOthers();
    return this.lookAhead();
  }

  // Take an image out of the order; the place before it is the one from which it goes on.
  /** @param {number} place */
  remove(place) {
    this.at = place - 1;
    this.isBetween = true;
    return this.ids.splice(place, 1);
  }

  // True if the server answered. A label that was saved while the answer was on its way is newer than it.
  /** @param {number[]} ids @returns {Promise<boolean>} */
  async fetch(ids) {
    const [asked, later] = [ids.slice(0, MOST_ITEMS), ids.slice(MOST_ITEMS)];
    const before = new Map(asked.map((id) => [id, this.#confirmed(id)]));
    const got = await this.server.call('items', { ids: asked });
    if (!got.ok) return !got.away;
    const stale = got.items.filter((data) => !this.#take(data, before.get(data.id) ?? 0)).map(({ id }) => id);
    return stale.length + later.length ? this.fetch([...stale, ...later]) : true;
  }

  /** @param {ItemData} data @param {number} confirmed */
  #take(data, confirmed) {
    if (this.#confirmed(data.id) !== confirmed) return false;
    const known = this.items.get(data.id);
    if (known) {
      known.takeLabels(data);
      known.adoptScores(data);
    } else {
      this.missed.delete(data.id);
      this.items.set(data.id, Object.assign(new Item(data, this.queue.jobs, this.implies), { turn: this.turn }));
    }
    return true;
  }

  /** @param {number} id */
  #confirmed(id) { return this.items.get(id)?.acknowledged ?? this.missed.get(id) ?? 0; }

  // An answer about an image that is not here, but may be on its way, as one of an earlier page.
  /** @param {number} id */
  miss(id) {
    if (this.missed.size > REMEMBERED) this.missed.clear();
    this.missed.set(id, (this.missed.get(id) ?? 0) + 1);
  }

  // The item, undefined if the project has no such image, null if the server does not answer.
  /** @param {number} id */
  async item(id) {
    if (this.items.has(id) || await this.fetch([id])) return this.items.get(id);
    return null;
  }

  // What comes next is here, with its image decoded, before anybody presses a key.
  async lookAhead() {
    if (this.isLookingAhead) return;
    this.isLookingAhead = true;
    if (this.ids.length - this.at <= AHEAD) await this.more();
    const { turn, orders } = this;
    const missing = this.ids.slice(this.at + 1, this.at + 1 + AHEAD).filter((id) => !this.items.has(id));
    if (missing.length) await this.fetch([...new Set(missing)]);
    if (turn !== this.turn) this.#dropOthers(); // something newer came while these were on their way
    for (const id of this.ids.slice(this.at + 1, this.at + 1 + DECODED)) this.preloader.load(id);
    this.isLookingAhead = false;
    if (orders !== this.orders) await this.lookAhead();
  }

  // True if it is another version than before.
  /** @param {number | null} version */
  use(version) {
    if (this.version === version) return false;
    this.version = version;
    this.#dropOthers();
    return true;
  }

  // A category has become one by which images are ranked: those fetched before know nothing of it.
  /** @param {number | undefined} rankings */
  learn(rankings) {
    if (rankings === undefined || this.rankings === rankings) return;
    const isFirst = this.rankings === undefined;
    this.rankings = rankings;
    if (isFirst && !rankings) return;
    this.#dropOthers();
    this.lookAhead();
  }

  // Other categories come with the next image: those fetched before know nothing of them.
  expectCategories() {
    this.#dropOthers();
    this.lookAhead();
  }

  /** @param {ById<Implies>} implies */
  useImplications(implies) {
    this.implies = implies;
    for (const item of this.items.values()) item.useImplications(implies);
    this.#drop((item) => item.turn !== this.turn); // such as the image that was on the screen until now
  }

  // Forget what was fetched under another version or with other categories, except about the image on the screen.
  #dropOthers() {
    this.turn += 1;
    this.#drop(() => true);
  }

  /** @param {(item: Item) => boolean} isOld */
  #drop(isOld) {
    for (const [id, item] of this.items) if (id !== this.id && !item.pending.size && isOld(item)) this.items.delete(id);
  }

  // The place of an image, which comes next if it was not in the order.
  /** @param {number} id */
  insertNext(id) {
    if (!this.ids.includes(id)) this.ids.splice(this.at + 1, 0, id);
    return this.ids.lastIndexOf(id, this.at) >= 0 ? this.ids.lastIndexOf(id, this.at) : this.ids.indexOf(id);
  }

  // A tab that is open for weeks grows no further: the way back ends somewhere, and what is known of
  // images that are far away is asked for again.
  forgetFarAway() {
    const cut = this.at - REMEMBERED;
    if (cut >= REMEMBERED) {
      this.ids.splice(0, cut);
      this.at -= cut;
      this.again = this.again === null ? null : Math.max(0, this.again - cut);
      this.shown = new Set(this.ids.filter((id) => this.shown.has(id)));
      for (const [id, length] of this.skipped) if (length < cut) this.skipped.delete(id); else this.skipped.set(id, length - cut);
    }
    if (this.items.size <= KEPT) return;
    const near = new Set(this.ids.slice(Math.max(0, this.at - KEPT / 4), this.at + KEPT / 4));
    this.#drop(({ id }) => !near.has(id));
  }

  // Keep the way back over a reload of the page.
  remember() {
    const from = Math.max(0, this.at + 1 - REMEMBERED);
    const trail = { ids: this.ids.slice(from, this.at + 1), at: this.at - from };
    try {
      sessionStorage.setItem(this.key, JSON.stringify(trail));
    } catch {
      // Only the way back is lost, and only if the page is reloaded.
    }
  }

  // An operation is on its way no longer.
  /** @param {string} op */
  forget(op) { for (const item of this.items.values()) item.forget(op); }
}

/** @param {string} key @returns {{ ids: number[], at: number }} */
function recall(key) {
  try {
    const { ids, at } = JSON.parse(sessionStorage.getItem(key) ?? '');
    if (Array.isArray(ids) && ids.every(Number.isInteger)) return { ids, at };
  } catch {
    // Nothing was kept: a new tab.
  }
  return { ids: [], at: -1 };
}
