// That a category is hardly found: said where its images are not sorted by likeness, with the way there.

import { button, formatNumber } from '../shared/dom.js';

/** @import { CategoryCounts } from '../shared/wire.d.ts' */
/** @import { ImagePage } from './image_page.js' */

/** @param {ImagePage} page @param {Partial<CategoryCounts>} counts @param {() => unknown} look @returns {(string | Node)[]} */
export function rareNote(page, { rare, present = 0, answered = 0 }, look) {
  if (!rare || page.about.mode === 'like') return [];
  return [` Found in ${present} of ${formatNumber(answered)} answered images so far.`, button('Look for more like them', '⇧4', look, 'vf-like')];
}
