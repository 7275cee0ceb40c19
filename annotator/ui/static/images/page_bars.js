// The two rows of buttons of the Images page: above the list what it shows, below what happens to the selection.

import { button, formatNumber, h, setText } from '../shared/dom.js';
import { keyOr } from '../shared/key_or_button.js';
import { Compared } from './compared.js';
import { counted } from './texts.js';

/** @import { ImagesState } from './images_state.js' */
/** @import { BulkState } from './texts.js' */

/** @typedef {Record<'showSimilar' | 'refresh' | 'toggleView' | 'toggleMap' | 'selectNone' | 'undo' | 'redo' | 'help', () => unknown> & { answer: (state: BulkState) => unknown, goOn: (page: string) => unknown }} Actions */

/** @type {[BulkState, string, string][]} */
export const ANSWERS = [['present', 'Present', 'A'], ['absent', 'Absent', 'R'], ['cleared', 'Unknown', 'C']];

export class PageBars {
  /** @param {Actions} actions */
  constructor(actions) {
    this.actions = actions;
    this.count = h('span', { class: 'im-count', role: 'status' });
    this.compared = new Compared();
    this.likeButton = button('More like this', 'F', () => actions.showSimilar());
    this.refreshButton = button('Refresh', 'M', () => actions.refresh());
    this.viewButton = button('Table', 'T', () => actions.toggleView(), 'im-view');
    this.mapButton = button('Map', 'P', () => actions.toggleMap(), 'im-to-map');
    this.selectedText = h('span', { class: 'im-selected' });
    this.answers = ANSWERS.map(([state, label, key]) => ({ state, label, element: button(label, key, () => actions.answer(state), 'im-answer') }));
    this.labelButton = button('Label', 'L', () => actions.goOn(''));
    this.verifyButton = button('Verify', 'V', () => actions.goOn('verify'));
    this.clearButton = button('Clear', 'Esc', () => actions.selectNone());
  }

  /** @param {HTMLElement} saved whether everything is */
  elements(saved) {
    const { actions } = this;
    const top = h('div', { class: 'an-bar im-top' }, this.count, this.compared.element, h('span', { class: 'an-grow' }), this.mapButton, this.viewButton, this.refreshButton, saved,
      button('Undo', 'U', () => actions.undo()), button('Redo', '⇧U', () => actions.redo(), 'im-redo'), button('Help', '?', () => actions.help(), 'im-help'));
    const foot = h('div', { class: 'an-bar im-foot' }, this.selectedText, ...this.answers.map(({ element }) => element), h('span', { class: 'an-grow' }),
      this.likeButton, this.labelButton, this.verifyButton, this.clearButton);
    return { top, foot };
  }

  /** @param {ImagesState} state @param {{ isTable: boolean, isMap: boolean }} view */
  draw(state, { isTable, isMap }) {
    const { length } = state.ids;
    const { categoryName, selected: { size: chosen } } = state;
    const isNothing = !length || (isMap && !chosen); // on the map no image is in focus
    setText(this.count, length === state.total ? counted(length, 'image') : `${formatNumber(length)} of ${counted(state.total, 'image')}`);
    this.compared.show(state.wanted.sort);
    const selects = isMap ? keyOr('A click, Shift and a line, or Space selects', 'A tap or the lasso selects') : 'Space or click selects';
    setText(this.selectedText, chosen ? `${formatNumber(chosen)} selected` : selects);
    this.clearButton.disabled = !chosen;
    this.viewButton.say(isTable || isMap ? 'Grid' : 'Table');
    this.mapButton.say(isMap ? 'List' : 'Map');
    this.likeButton.say(chosen > 1 ? `More like these ${formatNumber(chosen)}` : 'More like this');
    this.likeButton.disabled = isNothing;
    for (const { label, element } of this.answers) {
      element.say(categoryName ? `${categoryName}: ${label.toLowerCase()}` : label);
      element.disabled = isNothing || !categoryName;
      element.title = categoryName ? '' : 'Choose a category first (K)';
    }
    this.labelButton.say(chosen ? `Label ${formatNumber(chosen)}` : 'Label these');
    this.verifyButton.say(chosen ? `Verify ${formatNumber(chosen)}` : 'Verify these');
    this.labelButton.disabled = this.verifyButton.disabled = !length;
  }
}
