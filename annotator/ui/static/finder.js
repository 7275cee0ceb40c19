// The search field over the categories: typing filters, Enter answers, Esc leaves.

import { h } from './dom.js';

export class Finder {
  constructor({ onText, onMove, onPick, onLeave }) {
    Object.assign(this, { onText, onMove, onPick, onLeave });
    this.element = h('input', {
      class: 'an-find', type: 'search', placeholder: 'Find a category  (/ or F)', 'aria-label': 'Find a category', autocomplete: 'off',
    });
    this.element.addEventListener('input', () => onText(this.element.value));
    this.element.addEventListener('keydown', (event) => this.#key(event));
  }

  enter() {
    this.element.focus();
    this.element.select();
  }

  clear() {
    this.element.value = '';
    this.onText('');
  }

  #key(event) {
    const { key } = event;
    if (event.isComposing) return;
    if (key === 'ArrowDown' || key === 'ArrowUp') this.onMove(key === 'ArrowDown' ? 1 : -1);
    else if (key === 'Enter') {
      this.onPick(event.shiftKey ? 'absent' : 'present');
      this.#leave();
    } else if (key === 'Escape') this.#leave();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  #leave() {
    this.element.value = '';
    this.element.blur();
    this.onLeave();
  }
}
