// "Rest absent" on the Verify page: where the model guesses nothing, all that was looked at and is
// not marked is absent. Where it guesses, its guess decides the rest, and this is not offered.

import { button } from '../shared/dom.js';

export class Rest {
  constructor(screen) {
    this.screen = screen;
    this.mark = button('Rest absent', 'X', () => this.toggle(), 'vf-rest');
    this.finishing = button('… and next', '⇧⏎', () => this.finish(), 'vf-finish');
    this.finishing.title = 'What was in view and is not marked is absent; save, next page';
    this.buttons = [this.mark, this.finishing];
    this.show();
  }

  get isOffered() {
    const { page } = this.screen;
    return Boolean(page?.items.length) && !page.bulk;
  }

  // Loaded, in view, and not marked.
  items() {
    const { page, grid } = this.screen;
    return this.isOffered ? grid.split().seen.filter(({ id }) => !page.states.has(id)) : [];
  }

  // ---- drawing

  // Before the grid is laid out: the buttons take room below it.
  show() { for (const each of this.buttons) each.hidden = !this.isOffered; }

  draw() {
    if (!this.isOffered) return;
    const count = this.items().length;
    const isBack = !count && this.#marked().length > 0;
    this.mark.say(isBack ? 'Rest open again' : `Rest absent (${count})`);
    this.mark.disabled = !count && !isBack;
  }

  // ---- acts

  // What is left becomes absent; once nothing is left, it is open again.
  toggle() {
    const { screen } = this;
    if (!this.#may()) return;
    const [items, marked] = [this.items(), this.#marked()];
    if (items.length) screen.pages.markRest(items);
    else screen.pages.unmark(marked);
    screen.draw();
    if (items.length) screen.say(`${items.length} marked absent`);
    else if (marked.length) screen.say(`${marked.length} open again`);
    else screen.tell('Nothing that was in view is left to mark.');
  }

  // The same, and the page is saved.
  finish() { return this.#may() ? this.screen.pages.commit({ isRestAbsent: true }) : null; }

  #marked() {
    const { page } = this.screen;
    return page.items.filter(({ id }) => page.rest.has(id));
  }

  #may() {
    const { page } = this.screen;
    if (page?.items.length && page.bulk) this.screen.tell('The model has a guess for the rest; Enter saves it as it is drawn.');
    return this.isOffered;
  }
}
