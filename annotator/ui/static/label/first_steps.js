// The first keys, which the Label page shows once.

import { stored, store } from '../shared/browser_store.js';
import { h } from '../shared/dom.js';

const SEEN = 'annotator-seen-keys';
const FIRST = [
  ['1', 'it is in the image'], ['Shift 1', 'it is not'], ['/', 'find any other by name'],
  ['⏎', 'done: what is marked ✦ is in it, the rest in view is not'], ['→', 'next image, the rest stays unknown'],
  ['U', 'undo'], ['?', 'all keys'],
];

const IMAGES = 3; // that they lie on, unless they are closed before

// The few keys that carry a newcomer through the first minute; it takes no keys itself.
export class FirstKeys {
  #images = 0;

  constructor() {
    const keys = FIRST.flatMap(([key, text]) => [h('dt', {}, ...key.split(' ').map((one) => h('kbd', { text: one }))), h('dd', { text })]);
    this.element = h('aside', { class: 'an-hello', 'aria-label': 'First keys', hidden: true },
      h('b', { text: 'What is in this image?' }), h('dl', {}, ...keys),
      h('p', { class: 'an-fingers', text: 'Tap everything that is in it. The large button says that what is marked ✦ is in it and the rest in view is not; it goes on to the next image. Swipe the image to the left to go on and leave the rest unknown.' }),
      h('button', { class: 'an-btn', type: 'button', onclick: () => this.dismiss() }, 'Got it', h('kbd', { text: 'Esc' })));
  }

  showOnce() { this.element.hidden = !hasStorage() || Boolean(stored(SEEN)); }

  // Another image comes on the screen.
  turn() {
    this.#images += 1;
    if (this.#images > IMAGES) this.dismiss();
  }

  // True if it was there to be dismissed.
  dismiss() {
    const was = !this.element.hidden;
    this.element.hidden = true;
    if (was) store(SEEN, '1');
    return was;
  }
}

// A browser without it would be greeted on every page.
function hasStorage() {
  try {
    return Boolean(localStorage);
  } catch {
    return false;
  }
}
