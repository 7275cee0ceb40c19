// What the Label page says at the beginning and at the end: the first keys, and that all were visited.

import { stored, store } from '../shared/browser_store.js';
import { dialog, formatNumber, h } from '../shared/dom.js';

/** @import { ProjectState } from '../shared/wire.d.ts' */

// Every image has been visited: what was reached, and where to go from here.
export function allVisitedDialog() {
  const counts = h('p', {});
  const element = dialog('Every image has been visited', counts,
    h('p', {}, h('a', { class: 'an-btn', href: 'verify', text: 'Verify' }), ' shows one category at a time, and is the quickest way through what is open. ',
      h('a', { class: 'an-btn', href: 'export', text: 'Export' }), ' writes the labels so far to files.'),
    h('form', { method: 'dialog' }, h('button', { class: 'an-btn primary', text: 'Go through the images again', autofocus: true })));
  element.classList.add('an-done');
  const open = (/** @type {ProjectState | null} */ state) => {
    counts.textContent = state
      ? `${formatNumber(state.images)} images: ${formatNumber(state.answered)} pairs are answered, ${formatNumber(state.filled)} are filled, ${formatNumber(state.open)} are open.` : '';
    element.showModal();
  };
  return { element, open };
}

const SEEN = 'annotator-seen-keys';
const FIRST = [
  ['1', 'it is in the image'], ['Shift 1', 'it is not'], ['/', 'find any other by name'], ['⏎', 'done, next image'],
  ['Shift ⏎', 'all others are absent, next image'], ['U', 'undo'], ['?', 'all keys'],
];

// The few keys that carry a newcomer through the first minute; it takes no keys itself.
export class FirstKeys {
  constructor() {
    const keys = FIRST.flatMap(([key, text]) => [h('dt', {}, ...key.split(' ').map((one) => h('kbd', { text: one }))), h('dd', { text })]);
    this.element = h('aside', { class: 'an-hello', 'aria-label': 'First keys', hidden: true },
      h('b', { text: 'What is in this image?' }), h('dl', {}, ...keys),
      h('p', { class: 'an-fingers', text: 'Tap everything that is in it; tap ✕ on a row if it is not. Next goes to the next image, and what you leave stays unknown.' }),
      h('button', { class: 'an-btn', type: 'button', onclick: () => this.dismiss() }, 'Got it', h('kbd', { text: 'Esc' })));
  }

  showOnce() { this.element.hidden = !hasStorage() || Boolean(stored(SEEN)); }

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
