// That an image was on the screen, and which categories beside it: what is left unmarked there teaches, too.

import { randomId } from '../shared/dom.js';

/** @import { SaveQueue } from '../shared/save_queue.js' */
/** @import { Item } from './item.js' */

export class Visit {
  /** @type {Date | null} */
  #openedAt = null;

  /** @type {Set<number>} */
  #seen = new Set(); // categories that were drawn

  /** @param {SaveQueue} queue @param {string} me */
  constructor(queue, me) {
    this.queue = queue;
    this.me = me;
  }

  begin() {
    this.#openedAt = new Date();
    this.#seen = new Set();
  }

  /** @param {number[]} categories that are drawn now */
  see(categories) { for (const id of categories) this.#seen.add(id); }

  // Nothing about this image is recorded.
  cancel() { this.#openedAt = null; }

  // Beside an image that cannot be shown nothing was drawn. One that has not come is not visited: it comes again.
  /** @param {Item | null} item @param {boolean} isDrawn */
  end(item, isDrawn) {
    const { problem = '' } = item?.data ?? {};
    if (!item || !this.#openedAt || (!problem && !isDrawn)) return;
    this.queue.push('visit', {
      as: this.me, op: randomId(), image: item.id, shown: problem ? [] : [...this.#seen],
      opened_at: this.#openedAt.toISOString(), closed_at: new Date().toISOString(),
    });
    this.cancel();
  }
}
