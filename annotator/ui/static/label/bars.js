// The image of the Label page with all that belongs to it, and the buttons under it.

import { button, h } from '../shared/dom.js';
import { ImageTools } from '../shared/image_tools.js';
import { toggleBookmark } from './bookmark.js';
import { onSwipe } from './swipe.js';

/** @import { LabelPage } from './label_page.js' */

/** @param {LabelPage} page */
export function leftOf(page) {
  const { stage, evidence, firstKeys } = page;
  stage.view.append(evidence.overlay);
  onSwipe(stage.element, { left: () => page.commands.next(), right: () => page.commands.previous(), isFree: () => !stage.zoom.isZoomed });
  stage.element.append(firstKeys.element, page.notices.element);
  page.tools.mount(stage.element);
  const bar = h('div', { class: 'an-bar an-moves' },
    button('Previous', '←', () => page.state.previous()), button('Next', '→', () => page.state.next()),
    button('Skip', 'P', () => page.state.skip()), stage.place,
    h('span', { class: 'an-grow' }), stage.late, page.saved,
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
    isFree: (letter) => !page.hotkeys?.byKey.has(letter),
    onSize: () => {
      page.draw();
      page.stage.zoom.refit();
    },
    keys: { information: 'i', similar: 'w', adjust: 'c', fullScreen: 'v' },
    more: [{ icon: 'bookmark', text: 'Bookmark', key: 'b', act: () => toggleBookmark(page), isOn: () => Boolean(page.state?.item?.bookmarked) }],
  });
}
