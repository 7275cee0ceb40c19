// The search field over the categories: typing filters, Enter answers and waits for the next name,
// Esc leaves.

import { h } from '../shared/dom.js';

const LAST = 4; // answers that the line below the field still shows

export class Finder {
  constructor({ onText, onMove, onPick, onLeave }) {
    Object.assign(this, { onText, onMove, onPick, onLeave, done: [] });
    this.input = h('input', {
      class: 'an-find', type: 'search', placeholder: 'Find a category  (/ or F)', 'aria-label': 'Find a category',
      autocomplete: 'off', autocapitalize: 'off', spellcheck: 'false', dir: 'auto',
    });
    this.line = h('div', { class: 'an-typing', hidden: true });
    this.element = h('div', { class: 'an-finder' }, this.input, this.line);
    this.input.addEventListener('input', () => onText(this.input.value));
    this.input.addEventListener('keydown', (event) => this.#key(event));
  }

  enter() {
    this.done = [];
    this.input.focus();
    this.input.select();
  }

  clear() {
    if (!this.input.value && this.line.hidden) return;
    this.input.value = '';
    this.line.hidden = true;
    this.onText('');
  }

  // What Enter would answer now, null if nothing.
  aim(name) {
    const isTyping = document.activeElement === this.input;
    this.line.hidden = !isTyping || (!name && !this.done.length);
    const target = name ? [h('kbd', { text: '⏎' }), h('b', { text: name, dir: 'auto' })] : [];
    this.line.replaceChildren(...target, ...this.done.map((text) => h('span', { text, dir: 'auto' })));
  }

  #key(event) {
    const { key } = event;
    if (event.isComposing) return;
    if (key === 'ArrowDown' || key === 'ArrowUp') this.onMove(key === 'ArrowDown' ? 1 : -1);
    else if (key === 'Enter') this.#pick(event.shiftKey ? 'absent' : 'present');
    else if (key === 'Escape') this.#leave();
    else if (key !== '/' || this.input.value) return; // the key that opens the search begins no name
    event.preventDefault();
    event.stopPropagation();
  }

  #pick(state) {
    if (!this.input.value.trim()) return;
    const said = this.onPick(state);
    if (!said) return;
    this.done = [said, ...this.done].slice(0, LAST);
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
