// Selecting what is nearly the same: the rest of a group is answered with the one that was looked at.

import { filterOfIds, unpackIds } from '../shared/image_selection.js';
import { counted } from './texts.js';

/** @import { ImagesPage } from './images_page.js' */

// The near duplicates of what is selected or in focus, as far as they are listed.
/** @param {ImagesPage} page */
export async function selectDuplicates(page) {
  const { state, server } = page;
  const { chosen, searches } = state;
  if (!chosen.length || page.isNothingChosen()) return;
  const found = await server.call('list_images', { filter: filterOfIds(chosen).replace('id:', 'duplicates:'), sort: '' });
  if (searches !== state.searches) return; // another list has come meanwhile
  if (!found.ok) {
    page.notify(found.message ?? 'The server does not answer; try again.');
    return;
  }
  const before = state.selected.size;
  state.selectAlso([...chosen, ...unpackIds(found.ids)]);
  const added = state.selected.size - before;
  if (added <= (before ? 0 : 1)) {
    if (!before) state.selectNone();
    page.notify('No other listed image is nearly the same.');
  } else page.say(`${counted(state.selected.size, 'image')} selected`);
  page.draw();
}
