// The images of this tab in the order they are looked at, and what is known of each.

import { Early } from '../shared/image_preloader.js';
import { Item } from './item.js';

const AHEAD = 8; // images fetched before they are needed
const DECODED = 3; // of them with the picture; the one on the screen is kept as well
const BATCH = 12;
const REMEMBERED = 200; // images one can go back to after a reload
const FETCHED = 20; // the server gives no more items at once

export class Album {
  // `place` names this annotator's trail in this tab, `queue` knows what is not confirmed yet.
  constructor(server, queue, place) {
    Object.assign(this, { server, queue, ids: [], at: -1, items: new Map(), again: null, version: null, parents: new Map(), skipped: new Map() });
    this.early = new Early(1280, DECODED + 1);
    this.key = `annotator-trail:${place}`;
  }

  get id() { return this.ids[this.at]; }

  // Start where this tab was, else at `first`; false if there is no image to show.
  async open(wanted, first) {
    const trail = recall(this.key);
    this.ids = trail.ids;
    const start = wanted || trail.ids[trail.at] || first;
    if (start && !this.ids.includes(start)) this.ids.push(start);
    await this.more();
    this.start = Math.max(0, this.ids.indexOf(start));
    return this.ids.length > 0;
  }

  // Ask for further images. Once all have been visited they come round again, from place `again` on.
  async more() {
    let given = await this.#ask(this.#had());
    if (given.ok && given.done && this.skipped.size) given = await this.#ask(this.#had(0)); // nothing else is left
    if (!given.ok) return !given.away;
    for (const id of given.images) this.skipped.delete(id);
    this.again = given.done ? this.again ?? this.ids.length : null;
    this.ids.push(...given.images);
    if (given.done && !given.images.length && this.ids.length > 1) this.ids.push(...new Set(this.ids));
    return true;
  }

  #ask(exclude) {
    return this.server.call('next_images', { tab: this.queue.tab, after: this.ids.at(-1) ?? null, count: BATCH, exclude });
  }

  // What needs no second look; an image that was skipped does, some images later.
  #had(later = BATCH) {
    const isBack = (id) => id !== this.id && this.ids.length - this.skipped.get(id) >= later;
    return this.ids.slice(-500).filter((id) => !isBack(id));
  }

  skip(id) { this.skipped.set(id, this.ids.length); }

  // True if the server answered. A label that was saved while the answer was on its way is newer than it.
  async fetch(ids) {
    const before = new Map(ids.map((id) => [id, this.items.get(id)?.acknowledged ?? 0]));
    const got = await this.server.call('items', { ids: ids.slice(0, FETCHED) });
    if (!got.ok) return !got.away;
    const stale = got.items.filter((data) => !this.#take(data, before.get(data.id)));
    if (stale.length) return this.fetch(stale.map((data) => data.id));
    return true;
  }

  #take(data, acknowledged) {
    const known = this.items.get(data.id);
    if (!known) this.items.set(data.id, new Item(data, this.queue.jobs, this.parents));
    else if (known.acknowledged === acknowledged) {
      known.takeLabels(data);
      known.adoptScores(data);
    } else return false;
    return true;
  }

  // The item, undefined if the project has no such image, null if the server does not answer.
  async item(id) {
    if (this.items.has(id) || await this.fetch([id])) return this.items.get(id);
    return null;
  }

  // What comes next is here, with its picture decoded, before anybody presses a key.
  async lookAhead() {
    if (this.looking) return;
    this.looking = true;
    if (this.ids.length - this.at <= AHEAD) await this.more();
    const { version } = this;
    const missing = this.ids.slice(this.at + 1, this.at + 1 + AHEAD).filter((id) => !this.items.has(id));
    if (missing.length) await this.fetch([...new Set(missing)]);
    if (version !== this.version) this.dropOthers(); // a newer version came while these were on their way
    for (const id of this.ids.slice(this.at + 1, this.at + 1 + DECODED)) this.early.load(id);
    this.looking = false;
  }

  use(version) {
    if (this.version === version) return;
    this.version = version;
    this.dropOthers();
  }

  // A category has become one by which images are ranked: those fetched before know nothing of it.
  learn(rankings) {
    if (rankings === undefined || this.rankings === rankings) return;
    const isFirst = this.rankings === undefined;
    this.rankings = rankings;
    if (isFirst && !rankings) return;
    this.dropOthers();
    this.lookAhead();
  }

  // Forget the opinions of an older version, except about the image on the screen.
  dropOthers() {
    for (const [id, item] of this.items) if (id !== this.id && !item.pending.size) this.items.delete(id);
  }

  insertNext(id) {
    if (!this.ids.includes(id)) this.ids.splice(this.at + 1, 0, id);
    return this.ids.lastIndexOf(id, this.at) >= 0 ? this.ids.lastIndexOf(id, this.at) : this.ids.indexOf(id);
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

  forget(op) { for (const item of this.items.values()) item.forget(op); }
}

function recall(key) {
  try {
    const { ids, at } = JSON.parse(sessionStorage.getItem(key));
    if (Array.isArray(ids) && ids.every(Number.isInteger)) return { ids, at };
  } catch {
    // Nothing was kept: a new tab.
  }
  return { ids: [], at: -1 };
}
