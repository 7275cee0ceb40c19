// The pages of the grid, the next one loaded before it is asked for.

import { ImagePreloader } from '../shared/image_preloader.js';
import { ImagePage } from './image_page.js';
import { PageCache } from './page_cache.js';

/** @import { SaveQueue } from '../shared/save_queue.js' */
/** @import { OwnStep } from '../shared/undo_guard.js' */
/** @import { Server } from '../shared/server.js' */
/** @import { About } from './image_page.js' */

/** @typedef {OwnStep & { page: ImagePage, ids: number[] }} SavedPage `ids` of the images that were saved */

const AHEAD_PICTURES = 600; // kept decoded; the smallest ones, 0.2 MB each
const REMEMBERED = 12; // pages that can be taken back with their marks after a reload
const LEFT_OUT = 4000; // images that the server is asked to leave out

export class PageSupply {
  /**
   * @param {Server} server
   * @param {SaveQueue} queue knows what is not confirmed yet
   * @param {string} owner names this annotator in this project, for the pages of this tab that were saved
   * @param {number} count images of a page
   * @param {{ filter: string, sort: string } | null} selection the images that come at all; null: all
   */
  constructor(server, queue, owner, count, selection) {
    this.within = { within: selection?.filter ?? '', sort: selection?.sort ?? '' };
    this.server = server;
    this.queue = queue;
    this.count = count;
    this.key = `annotator-pages:${owner}`;
    /** @type {ImagePage[]} */
    this.ahead = [];
    /** @type {Promise<ImagePage | null> | null} */
    this.coming = null;
    /** @type {Set<number>} */
    this.passed = new Set(); // images that were looked at and not marked, or cannot be shown
    this.serial = 0;
    /** @type {About | null} */
    this.about = null;
    this.preloader = new ImagePreloader(256, AHEAD_PICTURES);
    /** @type {PageCache} */
    this.cache = new PageCache((about) => this.#load(about, null, false));
  }

  /** @param {About | null} about @param {number} count */
  use(about, count) {
    if (count !== this.count) this.cache.clear();
    this.about = about;
    this.count = count;
    this.ahead = [];
    this.coming = null;
    this.serial += 1;
  }

  // Forget what was loaded ahead, as when a new version or the first example changes the order.
  drop() {
    this.cache.clear();
    this.use(this.about, this.count);
  }

  // Images that shall not come again, as long as the server can be told of so many.
  /** @param {{ id: number }[]} items */
  pass(items) {
    for (const { id } of items) this.passed.add(id);
    this.passed = new Set([...this.passed].slice(-LEFT_OUT));
  }

  // Another category or mode takes the place of this page.
  /** @param {ImagePage} page */
  leave(page) { if (page.turn === this.cache.turn) this.cache.keep(page); }

  /** @param {ImagePage} page */
  putBack(page) { this.ahead.unshift(page); }

  // The next page; null if the server does not answer, undefined if it is not wanted any more.
  async next() {
    const { serial, about } = this;
    if (!about) return undefined;
    const early = this.ahead.shift() ?? await (this.coming ?? this.cache.take(about));
    if (serial !== this.serial) return undefined;
    if (early?.items.length) {
      this.ahead = this.ahead.filter((page) => page !== early);
      return early;
    }
    const page = await this.#load(about, null); // what was not saved of the page before may come again
    return serial === this.serial ? page : undefined;
  }

  // Load the page after this one, images and all. What was shown without a lease gets one, and
  // `onGone` is called if others have answered some of it or have it on their screen since.
  /** @param {ImagePage} current @param {() => void} onGone */
  async prepare(current, onGone) {
    if (this.ahead.length || this.coming || !this.about) return;
    const { serial } = this;
    this.coming = this.#load(this.about, current);
    const page = await this.coming;
    if (serial !== this.serial) return;
    this.coming = null;
    if (page?.items.length) this.ahead.push(page);
    if (page && current.isUnheld) current.isUnheld = false;
    if (page?.gone?.length) onGone();
  }

  // Then what is one key away, unless somebody goes on meanwhile.
  /** @param {About[]} abouts */
  prefetch(abouts) {
    const { serial } = this;
    return this.cache.fetch(abouts, () => serial === this.serial && document.visibilityState === 'visible');
  }

  /** @param {About} about @param {ImagePage | null} current @param {boolean} [hold] @returns {Promise<ImagePage | null>} */
  async #load(about, current, hold = true) {
    const { turn } = this.cache;
    const got = await this.server.call('next_page', {
      ...about, ...this.within, tab: this.queue.tab, count: this.count, hold, shown: this.#shown(about, current),
      unheld: current?.isUnheld ? current.items.flatMap(({ id, answer }) => (answer ? [] : id)) : [], exclude: [...this.passed],
    });
    if (!got.ok) return got.refused ? ImagePage.refused(about, got.message ?? '') : null;
    for (const { id } of got.items) this.preloader.load(id);
    return new ImagePage(about, got, turn);
  }

  // On this tab's pages, or on their way to the server.
  /** @param {About} about @param {ImagePage | null} current */
  #shown({ category }, current) {
    const saving = this.queue.jobs.filter(({ call, data }) => call === 'save' && data.category === category);
    const pages = [current, ...this.ahead].filter((page) => page?.about.category === category);
    return [...new Set([...pages.flatMap((page) => page?.items.map(({ id }) => id) ?? []),
      ...saving.flatMap(({ data }) => data.changes?.flatMap(({ image }) => image ?? []) ?? [])])];
  }

  // ---- the pages that were saved, for undo also after a reload

  /** @param {SavedPage[]} done */
  remember(done) {
    const kept = done.slice(-REMEMBERED).map(({ page, ...rest }) => ({ ...rest, page: page.stored }));
    try {
      sessionStorage.setItem(this.key, JSON.stringify(kept));
    } catch {
      // Only the marks of undone pages are lost, and only if the page is reloaded.
    }
  }

  /** @returns {SavedPage[]} */
  recall() {
    try {
      /** @type {(OwnStep & { ids: number[], page: ImagePage['stored'] })[]} */
      const kept = JSON.parse(sessionStorage.getItem(this.key) ?? '[]');
      return kept.map(({ page, ...rest }) => ({ ...rest, page: ImagePage.restored(page) }));
    } catch {
      return [];
    }
  }
}
