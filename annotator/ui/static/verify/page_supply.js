// The pages of the grid, the next one loaded before it is asked for.

import { Beside } from './page_cache.js';
import { Early } from '../shared/image_preloader.js';

const AHEAD_PICTURES = 600; // kept decoded; the smallest ones, 0.2 MB each
const REMEMBERED = 12; // pages that can be taken back with their marks after a reload

export class Supply {
  // `queue` knows what is not confirmed yet; `trail` names the pages of this tab that were saved.
  constructor(server, queue, trail) {
    Object.assign(this, { server, queue, key: `annotator-pages:${trail}`, ahead: [], passed: new Set(), serial: 0, about: null, count: 12 });
    this.early = new Early(256, AHEAD_PICTURES);
    this.beside = new Beside((about) => this.#load(about, null, false));
  }

  // What the pages are about: category, mode, and the image that they should be like.
  use(about, count) {
    if (count !== this.count) this.beside.clear();
    Object.assign(this, { about, count, ahead: [], coming: null, serial: this.serial + 1 });
  }

  // Forget what was loaded ahead, as when a new version or the first example changes the order.
  drop() {
    this.beside.clear();
    this.use(this.about, this.count);
  }

  // Another category or mode takes the place of this page.
  leave(page) { if (page.turn === this.beside.turn) this.beside.keep(page); }

  putBack(page) { this.ahead.unshift(page); }

  // The next page; null if the server does not answer, undefined if it is not wanted any more.
  async next() {
    const { serial } = this;
    const early = this.ahead.shift() ?? await (this.coming ?? this.beside.take(this.about));
    if (serial !== this.serial) return undefined;
    if (early?.items.length) {
      this.ahead = this.ahead.filter((page) => page !== early);
      return early;
    }
    if (serial !== this.serial) return undefined;
    const page = await this.#load(this.about, null); // what was not saved of the page before may come again
    return serial === this.serial ? page : undefined;
  }

  // Load the page after this one, pictures and all. What was shown without a lease gets one, and
  // `onGone(ids)` is told what others have answered or have on their screen since.
  async prepare(current, onGone) {
    if (this.ahead.length || this.coming) return;
    const { serial } = this;
    this.coming = this.#load(this.about, current);
    const page = await this.coming;
    if (serial !== this.serial) return;
    this.coming = null;
    if (page?.items.length) this.ahead.push(page);
    if (page && current.isUnheld) current.isUnheld = false;
    if (page?.gone?.length) onGone(page.gone);
  }

  // Then what is one key away, unless somebody goes on meanwhile.
  look(abouts) {
    const { serial } = this;
    return this.beside.fetch(abouts, () => serial === this.serial && document.visibilityState === 'visible');
  }

  async #load(about, current, hold = true) {
    const { turn } = this.beside;
    const got = await this.server.call('next_page', {
      ...about, tab: this.queue.tab, count: this.count, hold, shown: this.#shown(about, current),
      unheld: current?.isUnheld ? current.items.map(({ id }) => id) : [], exclude: [...this.passed].slice(-4000),
    });
    if (!got.ok) return got.refused ? { about, items: [], refusal: got.message } : null;
    for (const { id } of got.items) this.early.load(id);
    return newPage(about, got, turn);
  }

  // On this tab's pages, or on their way to the server.
  #shown({ category }, current) {
    const saving = this.queue.jobs.filter(({ call, data }) => call === 'save' && data.category === category);
    const pages = [current, ...this.ahead].filter((page) => page?.about.category === category);
    return [...new Set([...pages.flatMap((page) => page.items.map(({ id }) => id)),
      ...saving.flatMap(({ data }) => data.changes.map(({ image }) => image))])];
  }

  // ---- the pages that were saved, for undo also after a reload

  remember(done) {
    const kept = done.slice(-REMEMBERED).map(({ op, page, ids }) => ({
      op, ids, page: { ...page, states: [...page.states], touched: [...page.touched], rest: [...page.rest], after: [...page.after] },
    }));
    try {
      sessionStorage.setItem(this.key, JSON.stringify(kept));
    } catch {
      // Only the marks of undone pages are lost, and only if the page is reloaded.
    }
  }

  recall() {
    try {
      return JSON.parse(sessionStorage.getItem(this.key) ?? '[]').map(({ op, ids, page }) => ({
        op, ids, page: { ...page, turn: null, states: new Map(page.states), touched: new Set(page.touched), rest: new Set(page.rest), after: new Map(page.after) },
      }));
    } catch {
      return [];
    }
  }
}

function newPage(about, got, turn) {
  return {
    about, turn, gone: got.gone, version: got.version, basis: got.basis, bulk: got.bulk, elsewhere: got.elsewhere, items: got.items,
    states: new Map(got.items.filter(({ guess }) => guess).map(({ id, guess }) => [id, guess])),
    touched: new Set(), rest: new Set(), after: new Map(),
  };
}
