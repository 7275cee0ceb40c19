// On a phone filters would push the list off the screen: there they wait behind a button, all but the first.

import { h, setText } from './dom.js';

export class FilterToggle {
  /** @param {HTMLElement} form */
  constructor(form) {
    this.element = h('button', { class: 'an-btn an-filters', type: 'button', 'aria-expanded': 'false', text: 'Filters' });
    this.element.addEventListener('click', () => {
      const isOpen = form.toggleAttribute('data-open');
      this.element.setAttribute('aria-expanded', String(isOpen));
    });
  }

  // Those that narrow the list, even while nobody sees them.
  /** @param {number} used */
  count(used) { setText(this.element, used ? `Filters (${used})` : 'Filters'); }
}
