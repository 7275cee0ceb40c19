// The keys that go from page to page: G and a letter, or Alt and a digit, as the menu has them.

import { h } from './dom.js';
import { Keycaps, letterOf } from './keyboard.js';

const WAIT_MS = 2000; // so long G waits for its letter
const FIELD = 'textarea, select, [contenteditable], input:not([type=checkbox], [type=radio], [type=range], [type=button], [type=submit])';
const MODIFIERS = ['Shift', 'Control', 'Alt', 'AltGraph', 'Meta', 'CapsLock'];

/** @returns {HTMLAnchorElement[]} */
const links = () => [...document.querySelectorAll('#an-frame a[data-letter]')].filter((link) => link instanceof HTMLAnchorElement);

// For the help: the keys, and where they go.
export function pageHelp() {
  const pages = links().map(({ dataset, textContent }) => `${dataset.letter} ${textContent}`);
  return [['G', `then a letter goes to another page: ${pages.join(', ')}`], ['Alt+1 … 0', 'the pages in the order of the menu']];
}

// Whether a key belongs to a field or a dialog rather than to the page.
/** @param {KeyboardEvent} event */
export function isTyping({ target, isComposing }) {
  const isGone = target instanceof Element && target.closest('dialog:not([open])');
  return isComposing || Boolean(document.querySelector('dialog[open]'))
    || (target instanceof Element && !isGone && target.matches(FIELD));
}

export class PageKeys {
  /** @type {ReturnType<typeof setTimeout> | null} */
  #waiting = null;

  /** @param {HTMLElement} header */
  constructor(header) {
    this.hint = h('div', { class: 'fr-going', role: 'status' });
    this.keycaps = new Keycaps(this.hint);
    header.append(this.hint);
    addEventListener('keydown', (event) => this.#second(event), { capture: true });
    addEventListener('keydown', (event) => this.#first(event)); // what a page takes itself does not come here
  }

  /** @param {KeyboardEvent} event */
  #first(event) {
    this.keycaps.learn(event);
    if (event.defaultPrevented || event.repeat || event.ctrlKey || event.metaKey || event.shiftKey || isTyping(event)) return;
    const digit = event.altKey && !event.getModifierState('AltGraph') ? /^Digit([0-9])$/.exec(event.code)?.[1] : undefined;
    const link = links().find(({ dataset }) => dataset.digit === digit);
    if (link) this.#go(event, link);
    else if (!event.altKey && letterOf(event) === 'g') this.#wait(event);
  }

  // While G waits, no key is one of the page: what was meant as a letter must not answer anything.
  /** @param {KeyboardEvent} event */
  #second(event) {
    if (this.#waiting === null || MODIFIERS.includes(event.key)) return;
    this.#end();
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const letter = letterOf(event);
    const link = links().find(({ dataset }) => dataset.letter?.toLowerCase() === letter);
    this.#go(event, link);
  }

  /** @param {KeyboardEvent} event @param {HTMLAnchorElement} [link] */
  #go(event, link) {
    event.preventDefault();
    event.stopImmediatePropagation();
    if (link && !link.hasAttribute('aria-current')) link.click();
  }

  /** @param {KeyboardEvent} event */
  #wait(event) {
    event.preventDefault();
    this.hint.replaceChildren(h('b', { text: 'Go to' }), ...links().map(({ dataset, textContent }) => (
      h('span', {}, h('kbd', { text: dataset.letter }), ` ${textContent}`))));
    this.keycaps.paint();
    this.#waiting = setTimeout(() => this.#end(), WAIT_MS);
  }

  #end() {
    if (this.#waiting !== null) clearTimeout(this.#waiting);
    this.#waiting = null;
    this.hint.replaceChildren();
  }
}
