// What a page says for a few seconds: what came of the last key, which the next such sentence
// replaces, and beside it what else has happened, of which nothing is lost.

import { h } from './dom.js';

const SHOWN_MS = 6000;
const MOST = 3; // lines at a time

export class Notices {
  /** @type {HTMLElement | null} */
  own = null; // the line about the last key

  element = h('div', { class: 'an-notice', role: 'status', 'aria-atomic': 'false', hidden: true });

  // What came of the last key.
  /** @param {string} text */
  show(text) {
    if (this.own) this.#remove(this.own);
    this.own = this.#add(text);
  }

  // What has happened besides; the same is said once.
  /** @param {string} text */
  tell(text) {
    const same = [...this.element.children].find((line) => line !== this.own && line.textContent === text);
    if (!same) this.#add(text);
  }

  /** @param {string} text */
  #add(text) {
    const line = h('p', { text });
    this.element.append(line);
    this.element.hidden = false;
    if (this.element.children.length > MOST) this.element.firstElementChild?.remove();
    setTimeout(() => this.#remove(line), SHOWN_MS);
    return line;
  }

  /** @param {HTMLElement} line */
  #remove(line) {
    line.remove();
    this.element.hidden = !this.element.children.length;
  }
}
