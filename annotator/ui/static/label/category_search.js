// The search field over the categories: typing filters, Enter answers and leaves, so that the next key
// is one of the page again, a digit answers what is also likely; the line in the field says what was answered that way on this image.

import { h } from '../shared/dom.js';
import { digitOf } from '../shared/keyboard.js';

/** @import { Decision } from '../shared/wire.d.ts' */

const SHOWN = 4; // answers that the line still shows

export class CategorySearch {
  /**
   * @param {{ onText: (text: string) => void, onMove: (step: number) => void, onPick: (state: Decision) => number | null, onDigit: (place: number, state: Decision) => number | null, onLeave: (isWanted: boolean) => void, finds: (text: string) => boolean, say: (text: string) => void }} listeners
   *   `onPick` and `onDigit` return the category that was answered, null if none was; `onLeave`: whether the row
   *   that was found is gone to; `finds`: whether a name has a text
   */
  constructor({ onText, onMove, onPick, onDigit, onLeave, finds, say }) {
    this.onText = onText;
    this.onMove = onMove;
    this.onPick = onPick;
    this.onDigit = onDigit;
    this.onLeave = onLeave;
    this.finds = finds;
    this.say = say;
    /** @type {number[]} */
    this.answered = []; // category ids, on this image, the last one first
    this.input = h('input', {
      class: 'an-find', type: 'search', placeholder: 'Find a category  (/)', 'aria-label': 'Find a category',
      autocomplete: 'off', autocapitalize: 'off', spellcheck: 'false', dir: 'auto',
    });
    this.line = h('div', { class: 'an-typing', hidden: true });
    this.element = h('div', { class: 'an-finder' }, this.input, this.line);
    this.input.addEventListener('input', () => onText(this.input.value));
    this.input.addEventListener('keydown', (event) => this.#key(event));
  }

  enter() {
    this.input.focus();
    this.input.select();
  }

  // Another image comes on the screen.
  clear() {
    this.answered = [];
    if (this.input.value) {
      this.input.value = '';
      this.onText('');
    }
    this.line.hidden = true;
  }

  // What Enter would answer now, if anything, or else what it has answered.
  /** @param {string | undefined} name @param {(id: number) => string} textOf an answer as it is now, as `✓ dog` */
  draw(name, textOf) {
    const isTyping = document.activeElement === this.input && this.input.value.trim();
    const target = isTyping && name ? [h('kbd', { text: '⏎' }), h('b', { text: name, dir: 'auto' })] : [];
    const answered = this.answered.map((id) => h('span', { text: textOf(id), dir: 'auto' }));
    this.line.replaceChildren(...target, ...answered);
    this.line.hidden = !this.line.childElementCount;
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const { key } = event;
    if (event.isComposing) return;
    if (key === 'ArrowDown' || key === 'ArrowUp') this.onMove(key === 'ArrowDown' ? 1 : -1);
    else if (key === 'Enter') this.#pick(event.shiftKey ? 'absent' : 'present');
    else if (key === 'Escape') this.#leave(Boolean(this.input.value.trim()));
    else if (!this.input.value && digitOf(event) >= 0) {
      if (!this.#digit(digitOf(event), event.shiftKey ? 'absent' : 'present')) return; // it is typed
    } else if (key !== '/' || this.input.value) return; // the key that opens the search begins no name
    event.preventDefault();
    event.stopPropagation();
  }

  // True if a digit answered, or could not mean anything; then the next key is one of the page again.
  /** @param {number} place @param {Decision} state */
  #digit(place, state) {
    const digit = String((place + 1) % 10);
    if (this.#done(this.onDigit(place, state))) return true;
    if (this.finds(digit)) return false;
    this.#leave(false);
    this.say(`There is nothing at /${digit}.`);
    return true;
  }

  /** @param {Decision} state */
  #pick(state) {
    if (!this.input.value.trim()) return;
    this.#done(this.onPick(state));
  }

  // True if a category was answered.
  /** @param {number | null} id */
  #done(id) {
    if (id === null) return false;
    this.answered = [id, ...this.answered.filter((each) => each !== id)].slice(0, SHOWN);
    this.#leave(false);
    return true;
  }

  /** @param {boolean} isWanted */
  #leave(isWanted) {
    this.input.value = '';
    this.input.blur();
    this.onLeave(isWanted);
  }
}
