// The search field over the categories: typing filters, Enter answers and waits for the next name,
// Esc leaves. While it waits, what begins no name is a key of the page, as everywhere else.

import { h } from '../shared/dom.js';
import { digitOf } from '../shared/keyboard.js';

/** @import { Decision } from '../shared/wire.d.ts' */

const SHOWN = 4; // answers that the line below the field still shows

export class CategorySearch {
  /**
   * @param {{ onText: (text: string) => void, onMove: (step: number) => void, onPick: (state: Decision) => string, onLeave: () => void, onKey: (event: KeyboardEvent) => unknown }} listeners
   *   `onPick` returns what was answered, empty if nothing; `onKey` takes a key of the page
   */
  constructor({ onText, onMove, onPick, onLeave, onKey }) {
    this.onText = onText;
    this.onMove = onMove;
    this.onPick = onPick;
    this.onLeave = onLeave;
    this.onKey = onKey;
    /** @type {string[]} */
    this.answered = [];
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
    this.answered = [];
    this.input.focus();
    this.input.select();
  }

  clear() {
    if (!this.input.value && this.line.hidden) return;
    this.input.value = '';
    this.line.hidden = true;
    this.onText('');
  }

  // What Enter would answer now, if anything.
  /** @param {string | undefined} name */
  showTarget(name) {
    const isTyping = document.activeElement === this.input;
    this.line.hidden = !isTyping || (!name && !this.answered.length);
    const target = name ? [h('kbd', { text: '⏎' }), h('b', { text: name, dir: 'auto' })] : [];
    this.line.replaceChildren(...target, ...this.answered.map((text) => h('span', { text, dir: 'auto' })));
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const { key } = event;
    if (event.isComposing) return;
    if (this.#isOfPage(event)) this.#handOver(event);
    else if (key === 'ArrowDown' || key === 'ArrowUp') this.onMove(key === 'ArrowDown' ? 1 : -1);
    else if (key === 'Enter') this.#pick(event.shiftKey ? 'absent' : 'present');
    else if (key === 'Escape') this.#leave();
    else if (key !== '/' || this.input.value) return; // the key that opens the search begins no name
    event.preventDefault();
    event.stopPropagation();
  }

  // Whether a name was answered, no other is begun, and the key begins none.
  /** @param {KeyboardEvent} event */
  #isOfPage(event) {
    if (this.input.value || !this.answered.length || event.repeat) return false;
    return digitOf(event) >= 0 || event.key === 'ArrowRight' || (event.key === 'Enter' && !event.shiftKey);
  }

  /** @param {KeyboardEvent} event */
  #handOver(event) {
    this.#leave();
    this.onKey(event);
  }

  /** @param {Decision} state */
  #pick(state) {
    if (!this.input.value.trim()) return;
    const answered = this.onPick(state);
    if (!answered) return;
    this.answered = [answered, ...this.answered].slice(0, SHOWN);
    this.input.value = '';
    this.onText('');
  }

  #leave() {
    this.input.value = '';
    this.input.blur();
    this.line.hidden = true;
    this.onLeave();
  }
}
