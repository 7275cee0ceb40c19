// The line above the rows until there is a model: what the first suggestions wait for.

import { h, setText } from '../shared/dom.js';

/** @import { StatusLine } from '../shared/status_line.js' */
/** @import { Item } from './item.js' */

const TEXT = 'No suggestions yet: the model learns from your answers and then suggests the rest.';

export class Milestone {
  /** @param {StatusLine} status */
  constructor(status) {
    this.status = status;
    this.element = h('p', { class: 'an-hint', hidden: true, text: TEXT });
  }

  // Called once for each image that comes on the screen only, so that no row moves under the hand.
  /** @param {Item} item */
  show(item) { this.element.hidden = item.version !== null || Boolean(this.status.state?.problem); }

  // What is missing now; it is no message for screen readers, which would read it after every key.
  update() { setText(this.element, this.status.state?.until_suggestions || TEXT); }

  // An answer is saved, so one fewer is missing.
  answered() { if (this.status.state?.until_suggestions) this.status.update(); }
}
