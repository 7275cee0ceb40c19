// What each key of keys.js does on the Label page, by the command's name.

import { toggleBookmark } from './bookmark.js';
import { completionOf, fullCompletionOf } from './completion.js';

/** @import { Category, State } from '../shared/wire.d.ts' */
/** @import { Item } from './item.js' */
/** @import { LabelPage } from './label_page.js' */

/** @type {Record<string, State | undefined>} */
const CYCLE = { unknown: 'present', unsure: 'present', conflict: 'present', present: 'absent', absent: 'cleared' };

/** @param {LabelPage} page @returns {Record<string, () => unknown>} */
export function commandsOfPage(page) {
  const { state, stage: { zoom } } = page;
  const onRow = (/** @type {(item: Item, category: Category) => unknown} */ act) => () => {
    if (state.item && page.focus) act(state.item, page.focus.category);
  };
  const answers = {
    accept: onRow((_, { id }) => state.answer(id, 'present')),
    reject: onRow((_, { id }) => state.answer(id, 'absent')),
    unsure: onRow((_, { id }) => state.answer(id, 'unsure')),
    cycle: onRow((item, { id }) => state.answer(id, CYCLE[item.state(id)] ?? 'present')),
    acceptAll: () => state.acceptAll(page.scope.view),
    sweep: () => state.sweep(page.rows.listed), // a filter in use limits that
    sweepGroup: onRow((_, { id }) => page.sweepGroup(page.rows.groupOf.get(id))),
    complete: () => (page.completes ? state.finish((item) => completionOf(item, page.scope)) : state.next()),
    completeAll: () => state.finish((item) => fullCompletionOf(item, page.rows.listed)),
    undo: () => state.undo(),
    redo: () => state.redo(),
  };
  const moves = {
    next: () => state.next(),
    previous: () => state.previous(),
    skip: () => state.skip(),
    openImage: () => page.openImageDialog.open(),
    up: () => page.moveFocus(-1),
    down: () => page.moveFocus(1),
    nextSuggestion: () => page.focusNextSuggestion(),
    find: () => page.search.enter(),
    groups: () => page.toggleGroups(),
  };
  const views = {
    zoom: () => zoom.toggle(),
    zoomIn: () => zoom.closer(),
    zoomOut: () => zoom.farther(),
    panLeft: () => zoom.pan(-1, 0),
    panRight: () => zoom.pan(1, 0),
    panUp: () => zoom.pan(0, -1),
    panDown: () => zoom.pan(0, 1),
    evidence: () => page.toggleEvidence(),
    history: onRow((item, category) => page.history.open(item, category)),
    hotkey: onRow((_, category) => page.hotkeys.open(category)),
    hotkeyCode: () => page.hotkeys.begin(),
    flag: () => { if (state.item) page.flagDialog.open(state.item); },
    ...page.tools.commands,
    bookmark: () => toggleBookmark(page),
    refresh: () => state.refresh(),
    close: () => close(page),
    help: () => page.help.showModal(),
  };
  return { ...answers, ...moves, ...views };
}

// One thing after the other.
/** @param {LabelPage} page */
function close({ hotkeys, firstKeys, tools, evidence, stage: { zoom } }) {
  if (hotkeys.cancel() || firstKeys.dismiss() || tools.close()) return;
  if (evidence.isOpen) evidence.hide();
  else if (zoom.isZoomed) zoom.toggle();
}
