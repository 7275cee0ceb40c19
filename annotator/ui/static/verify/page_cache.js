// The first pages of what is one key away, the neighbouring categories and the other modes: loaded
// while nobody waits. Nothing is leased for them, so the server is asked again once one is shown.

import { pause } from '../shared/server.js';

/** @import { About, ImagePage } from './image_page.js' */

const IDLE_MS = 300; // between two of them
const MOST_ANSWERED = 1000; // that a page which is still fresh may hold
const FRESH_MS = 300000;
const MOST = 24; // what was looked at lately is among them
const LEAST_OPEN = 0.6; // so much of a page has to be open still

export class PageCache {
  /** @param {(about: About) => Promise<ImagePage | null>} load */
  constructor(load) {
    this.load = load;
    /** @type {Map<string, { page: ImagePage, at: number }>} */
    this.pages = new Map();
    /** @type {Map<number, Set<number>>} */
    this.answered = new Map(); // category id -> images that this tab has answered
    /** @type {{ key: string, done: Promise<void> } | null} */
    this.coming = null;
    this.turn = 0;
  }

  // They are out of date: another version, or another number of images.
  clear() {
    this.pages.clear();
    this.turn += 1;
  }

  // What was shown, with its marks, for when somebody comes back.
  /** @param {ImagePage} page */
  keep(page) {
    const key = keyOf(page.about);
    this.pages.delete(key);
    this.pages.set(key, { page, at: performance.now() });
    for (const oldest of this.pages.keys()) {
      if (this.pages.size <= MOST) break;
      this.pages.delete(oldest);
    }
  }

  // Answers that this tab has given since.
  /** @param {number} category @param {number[]} ids */
  settle(category, ids) {
    const known = [...this.answered.get(category) ?? [], ...ids];
    this.answered.set(category, new Set(known.slice(-MOST_ANSWERED)));
  }

  // The page if there is one, else null.
  /** @param {About} about */
  async take(about) {
    const key = keyOf(about);
    if (this.coming?.key === key) await this.coming.done;
    const page = this.#fresh(key)?.page;
    this.pages.delete(key);
    if (!page) return null;
    const left = page.without(this.answered.get(about.category) ?? new Set());
    left.isUnheld = true;
    return left.items.length && left.items.length >= LEAST_OPEN * page.items.length ? left : null;
  }

  /** @param {string} key */
  #fresh(key) {
    const found = this.pages.get(key);
    return found && performance.now() - found.at < FRESH_MS ? found : null;
  }

  // One after the other, as long as they are wanted.
  /** @param {About[]} abouts @param {() => boolean} isWanted */
  async fetch(abouts, isWanted) {
    for (const about of abouts) {
      const key = keyOf(about);
      if (this.#fresh(key)) continue;
      await pause(IDLE_MS);
      if (!isWanted()) return;
      this.coming = { key, done: this.#load(about) };
      await this.coming.done;
      this.coming = null;
    }
  }

  /** @param {About} about */
  async #load(about) {
    const { turn } = this;
    const page = await this.load(about);
    if (page && turn === this.turn) this.keep(page);
  }
}

/** @param {About} about */
const keyOf = ({ category, mode, like }) => `${category}-${mode}-${like ?? ''}`;
