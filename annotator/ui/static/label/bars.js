// The buttons of the Label page: under the image, and under the list of categories.

import { button, h } from '../shared/dom.js';
import { ImageTools } from '../shared/image_tools.js';
import { toggleBookmark } from './bookmark.js';

/** @import { LabelPage } from './label_page.js' */

// The image with all that belongs to it.
/** @param {LabelPage} page */
export function leftOf(page) {
  const { stage, evidence, firstKeys } = page;
  stage.view.append(evidence.overlay);
  stage.element.append(firstKeys.element, page.notices.element);
  page.tools.mount(stage.element);
  const bar = h('div', { class: 'an-bar an-moves' },
    button('Previous', '←', () => page.state.previous()), button('Next', '⏎', () => page.state.next()),
    button('Skip', 'P', () => page.state.skip()), stage.place,
    h('span', { class: 'an-grow' }), page.saved,
    button('Undo', 'U', () => page.state.undo()), button('Redo', '⇧U', () => page.state.redo()),
    button('Open', 'O', () => page.openImageDialog.open()), button('Flag', 'F', () => page.commands.flag()),
    button('Help', '?', () => page.help.showModal()));
  return h('section', { class: 'an-left', 'aria-label': 'Image' }, stage.element, evidence.element, page.strip.element, bar);
}

// What is done with the image itself.
/** @param {LabelPage} page */
export function imageToolsOf(page) {
  return new ImageTools(page.root, page.server, {
    image: () => page.state?.item?.id ?? null,
    onSize: () => {
      page.draw();
      page.stage.zoom.refit();
    },
    keys: { information: 'i', adjust: 'c', fullScreen: 'v' },
    more: [{ icon: 'bookmark', text: 'Bookmark', key: 'b', act: () => toggleBookmark(page), isOn: () => Boolean(page.state?.item?.bookmarked) }],
  });
}

/** @param {LabelPage} page */
export function footOf(page) {
  const finish = button('… and next', '⇧⏎', () => page.commands.finish(), 'an-finish an-commits');
  finish.title = 'Mark the rest absent, next image';
  const onPhones = button('Next', null, () => page.state.next(), 'an-phone'); // the other one is out of reach there
  return h('div', { class: 'an-bar an-foot' }, page.acceptButton, page.sweepButton, finish, onPhones);
}
