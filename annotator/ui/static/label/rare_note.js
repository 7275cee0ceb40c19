// That a category is hardly found from image to image: said once for each, with the way to look for more.

import { parsed, store } from '../shared/browser_store.js';
import { formatNumber, h } from '../shared/dom.js';
import { letterOf } from '../shared/keyboard.js';

/** @import { RareCategory } from '../shared/wire.d.ts' */
/** @import { LabelPage } from './label_page.js' */

const EVERY = 10; // images between two questions to the server
const STAYS = 3; // images
const PHONE = 700; // up to this width there is no room for it

export class RareNote {
  /** @param {LabelPage} page */
  constructor(page) {
    this.page = page;
    this.images = 0;
    this.until = 0; // the image with which it goes
    /** @type {RareCategory | null} */
    this.next = null;
    this.text = h('span', {});
    this.letter = h('kbd', { text: 'J', 'aria-hidden': 'true' });
    this.link = h('a', { class: 'an-btn' }, h('span', { class: 'an-label', text: 'Look for more like them' }), this.letter);
    this.element = h('p', { class: 'an-rare', role: 'status', hidden: true }, this.text, ' ', this.link);
  }

  // Between two images: only then it comes or goes, so that no row moves under the hand.
  turn() {
    this.images += 1;
    if (this.images >= this.until) this.element.hidden = true;
    const { next } = this;
    this.next = null;
    if (next && innerWidth > PHONE) this.#show(next);
    else if (this.images % EVERY === 0) this.#look();
  }

  get #key() { return `annotator-rare:${this.page.queue.project}:${this.page.me}`; }

  /** @returns {number[]} ids of the categories of which it was said */
  get #told() { return parsed(this.#key) ?? []; }

  async #look() {
    const told = this.#told;
    const reply = await this.page.server.call('rare_categories');
    if (reply.ok) this.next = reply.rare.find(({ id }) => !told.includes(id) && this.page.rows.byId.has(id)) ?? null;
  }

  /** @param {RareCategory} category */
  #show({ id, present, answered }) {
    store(this.#key, JSON.stringify([...this.#told, id]));
    this.text.replaceChildren(h('b', { text: this.page.rows.byId.get(id)?.name, dir: 'auto' }), `: found in ${present} of ${formatNumber(answered)} answered images.`);
    this.link.href = `verify#${id}-like`;
    this.letter.hidden = this.#isTaken;
    this.until = this.images + STAYS;
    this.element.hidden = false;
  }

  // Somebody's own shortcut comes first.
  get #isTaken() { return [...this.page.rows.byId.values()].some(({ key }) => key.toLowerCase().startsWith('j')); }

  // True if the key is this one's.
  /** @param {KeyboardEvent} event */
  handle(event) {
    if (this.element.hidden || event.repeat || event.shiftKey || letterOf(event) !== 'j' || this.#isTaken) return false;
    this.link.click();
    return true;
  }
}
