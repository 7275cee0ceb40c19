// What a work screen says while the project has no images or no categories yet.

import { h } from './dom.js';

/** @typedef {{ step: string, title: string, text: string, link: string, command: string }} MissingPart */

export const NO_IMAGES = {
  step: 'Step 1 of 2', title: 'No images yet', text: 'Choose the folder with your images. They stay where they are, and you can start labelling as soon as the first ones are found.',
  link: 'Add images', command: 'annotator images PROJECT add FOLDER',
};

export const NO_CATEGORIES = {
  step: 'Step 2 of 2', title: 'No categories yet', text: 'Say what to look for: one name for each thing that may be in an image. You can add more at any time.',
  link: 'Add categories', command: 'annotator categories PROJECT add NAME',
};

// The page goes on by itself when the project has what it lacks.
/** @param {MissingPart} missing */
export function missingPartCard({ step, title, text, link, command }) {
  return h('section', { class: 'an-card', 'aria-label': title },
    h('small', { text: step }), h('h2', { text: title }), h('p', { text }),
    h('a', { class: 'an-btn primary', href: 'settings', text: link }),
    h('p', { class: 'an-else' }, 'or in a terminal: ', h('code', { text: command })));
}
