// What the page says instead of an image: nothing here yet, everything done; and the first hello.

import { dialog, h } from './dom.js';

export const NO_IMAGES = {
  step: 'Step 1 of 2', title: 'No images yet', text: 'Choose the folder with your pictures. They stay where they are, and labelling begins as soon as the first ones are found.',
  link: 'Add images', command: 'annotator images PROJECT add FOLDER',
};

export const NO_CATEGORIES = {
  step: 'Step 2 of 2', title: 'No categories yet', text: 'Say what to look for: one name for each thing that may be in a picture. More can be added at any time.',
  link: 'Add categories', command: 'annotator categories PROJECT add NAME',
};

// The page goes on by itself when the project has what it lacks.
export function emptyCard({ step, title, text, link, command }) {
  return h('section', { class: 'an-card', 'aria-label': title },
    h('small', { text: step }), h('h2', { text: title }), h('p', { text }),
    h('a', { class: 'an-btn primary', href: '/settings', text: link }),
    h('p', { class: 'an-else' }, 'or in a terminal: ', h('code', { text: command })));
}

// Every image has been visited: what was reached, and where to go from here.
export function doneDialog() {
  const said = h('p', {});
  const element = dialog('Every image has been visited', said,
    h('p', {}, h('a', { class: 'an-btn', href: '/verify', text: 'Verify' }), ' looks at one category at a time, and is the quickest way through what is open. ',
      h('a', { class: 'an-btn', href: '/export', text: 'Export' }), ' writes the labels so far to files.'),
    h('form', { method: 'dialog' }, h('button', { class: 'an-btn primary', text: 'Go through the images again', autofocus: true })));
  element.classList.add('an-done');
  const open = (state) => {
    const number = (n) => Number(n ?? 0).toLocaleString('en');
    said.textContent = state
      ? `${number(state.images)} images: ${number(state.answered)} pairs are answered, ${number(state.filled)} are filled, ${number(state.open)} are open.` : '';
    element.showModal();
  };
  return { element, open };
}

const SEEN = 'annotator-seen-keys';
const FIRST = [
  ['1', 'it is in the picture'], ['Shift 1', 'it is not'], ['/', 'find any other by name'], ['⏎', 'done, next image'],
  ['Shift ⏎', 'the rest is absent, next image'], ['U', 'undo'], ['?', 'all keys'],
];

// The few keys that carry a newcomer through the first minute; it takes no keys itself.
export class Hello {
  constructor() {
    const keys = FIRST.flatMap(([key, text]) => [h('dt', {}, ...key.split(' ').map((one) => h('kbd', { text: one }))), h('dd', { text })]);
    this.element = h('aside', { class: 'an-hello', 'aria-label': 'First keys', hidden: true },
      h('b', { text: 'What is in this picture?' }), h('dl', {}, ...keys),
      h('p', { class: 'an-fingers', text: 'Tap what is in it; the ✕ of a row says it is not. Next goes on, and what you leave stays unknown.' }),
      h('button', { class: 'an-btn', type: 'button', onclick: () => this.dismiss() }, 'Got it', h('kbd', { text: 'Esc' })));
  }

  greet() {
    try {
      this.element.hidden = Boolean(localStorage.getItem(SEEN));
    } catch {
      this.element.hidden = true; // a browser without storage would be greeted on every page
    }
  }

  // True if it was there to be dismissed.
  dismiss() {
    const was = !this.element.hidden;
    this.element.hidden = true;
    if (was) remember();
    return was;
  }
}

function remember() {
  try {
    localStorage.setItem(SEEN, '1');
  } catch {
    // Greeted again next time.
  }
}
