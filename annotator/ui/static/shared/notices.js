// What a page says for a few seconds: what came of the last key, which the next such sentence
// replaces, and beside it what else has happened, of which nothing is lost.

import { h } from './dom.js';

const SHOWN_MS = 6000;
const MOST = 3; // lines at a time

export class Notices {
  /** @type {HTMLElement | null} */
  own = null; // the line about the last key

  // It is never hidden: a screen reader passes over what comes into view together with its region.
  element = h('div', { class: 'an-notice', role: 'status', 'aria-atomic': 'false' });

  // What came of the last key.
  /** @param {string} text */
  show(text) {
    this.own?.remove();
    this.own = this.#add(text);
  }

  // What has happened besides. It replaces what was told about the same subject; the same is said once.
  /** @param {string} text @param {string} [subject] */
  tell(text, subject = text) {
    const older = this.#lines().find((line) => line.dataset.subject === subject);
    if (older?.textContent === text) return;
    older?.remove();
    this.#add(text).dataset.subject = subject;
  }

  /** @returns {HTMLElement[]} */
  #lines() { return [...this.element.querySelectorAll('p')]; }

  /** @param {string} text */
  #add(text) {
    const line = h('p', { text });
    this.element.append(line);
    if (this.element.children.length > MOST) this.element.firstElementChild?.remove();
    setTimeout(() => line.remove(), SHOWN_MS);
    return line;
  }
}
