// The buttons below the rows: each says before it is pressed what it will answer.

import { button, h, setText } from '../shared/dom.js';
import { completionOf, fullCompletionOf, remainderOf, signsOf } from './completion.js';

/** @import { Scope } from './completion.js' */
/** @import { Item } from './item.js' */
/** @import { LabelPage } from './label_page.js' */

export class Foot {
  /** @param {LabelPage} page */
  constructor(page) {
    this.page = page;
    this.accept = button('Accept ✦', '⇧A', () => page.commands.acceptAll(), 'an-commits');
    this.sweep = button('Rest absent', 'X', () => page.commands.sweep(), 'an-sweep an-commits');
    this.all = button('All', '⇧⏎', () => page.commands.completeAll(), 'an-commits');
    this.undo = button('Undo', null, () => page.commands.undo(), 'an-phone'); // the other one is out of reach there
    this.main = button('Next', '⏎', () => page.commands.complete(), 'primary an-main an-commits');
    this.stays = h('small', { class: 'an-stays' });
    this.main.firstElementChild?.after(this.stays);
    this.element = h('div', { class: 'an-bar an-foot' }, this.undo, this.accept, this.sweep, this.all, this.main);
  }

  /** @param {Item} item @param {Scope} scope */
  draw(item, { view, listed }) {
    const accepted = view.filter((id) => item.isSuggested(id)).length;
    const doubtful = view.filter((id) => item.isDoubtful(id)).length;
    const rest = item.restOf(listed);
    this.accept.say(`Accept ${accepted} ✦`);
    this.accept.disabled = !accepted;
    this.accept.title = doubtful ? `${doubtful} marked ✧, not sure enough to accept together` : 'Accept the suggestions in view';
    this.sweep.say(`${rest.some((id) => item.suggested.has(id)) ? 'Marked' : 'Rest'} absent (${rest.length})`);
    this.sweep.disabled = !rest.length;
    const all = fullCompletionOf(item, listed);
    this.all.say(`All ${signsOf(all)}`);
    this.all.disabled = !signsOf(all);
    const marked = all.absent.filter((id) => item.isDoubtful(id)).length;
    this.all.title = `The whole list: ${all.present.length} present, ${all.absent.length} absent${marked ? `, ${marked} of them marked ✧` : ''}; next image`;
    this.#drawMain(item, { view, listed });
  }

  /** @param {Item} item @param {Scope} scope */
  #drawMain(item, scope) {
    const { main, page: { completes } } = this;
    const completion = completionOf(item, completes && !item.data.problem ? scope : { view: [], listed: [] });
    const { present, absent, doubtful, elsewhere } = completion;
    const signs = signsOf(completion);
    main.say(signs || 'Next');
    setText(this.stays, remainderOf(completion));
    main.title = signs ? `${present.length} present, ${absent.length} absent, next image` : 'Next image; what is open stays unknown';
    const unknown = elsewhere.length + doubtful.length;
    main.setAttribute('aria-label', unknown ? `${main.title}; ${unknown} stay unknown: ${elsewhere.length} not in view, ${doubtful.length} not sure enough` : main.title);
  }
}
