// The Review page: answered pairs as cards, filtered, corrected in place or many at once.

import { CATEGORIES } from '../shared/category_changes.js';
import { button, formatNumber, h } from '../shared/dom.js';
import { keyOr } from '../shared/key_or_button.js';
import { WorkScreen } from '../shared/work_screen.js';
import { CardList } from './card_list.js';
import { Filters } from './filters.js';
import { commandOf, HELP, mayRepeat } from './keys.js';
import { ReviewState } from './review_state.js';
import { SidePanel } from './side_panel.js';

/** @import { ReviewFound, ReviewStart, State } from '../shared/wire.d.ts' */
/** @import { Button } from '../shared/dom.js' */
/** @import { Done, Job } from '../shared/save_queue.js' */
/** @import { Click, Direction } from './card_list.js' */
/** @import { Pair } from './pair.js' */

const NEAR_END = 600; // pixels below what can be seen, from which on more is loaded
const WHAT_ERRORS_ARE = 'The model was trained on nine in ten of these labels, so it may have learned many errors: what it still disagrees with is worth a look, and what it agrees with is not proven right.';

/** @type {[State, string, string][]} */
const ANSWERS = [['present', 'Present', 'A'], ['absent', 'Absent', 'R'], ['unsure', 'Cannot tell', 'S'], ['cleared', 'Remove mine', 'C']];
/** @type {Record<string, string | undefined>} */
const ABOUT = { errors: ' that the model disagrees with, strongest first', conflicts: ' that people disagree about', checks: ' that somebody answered otherwise when asked again' };

export class ReviewPage extends WorkScreen {
  /** @type {ReviewState} */
  state;

  /** @type {number | null} */
  announced = null; // the newest version that was announced

  /** @type {number | null} */
  nextFrame = null;

  /** @param {HTMLElement} root @param {Record<string, (data: object) => Promise<any>>} functions */
  constructor(root, functions) {
    super(root, functions, { page: 'review', help: HELP });
    this.filters = new Filters({ onChange: () => this.#changed(), onLeave: () => this.#setFocus(this.state.focus) });
    this.list = new CardList({ onPick: (pair, click) => this.#pick(pair, click), onOpen: (pair) => this.#open(pair), onDrawn: (pair) => this.#drawn(pair) });
    this.side = new SidePanel(root, this.server, { onResolve: (flag) => this.state.resolveFlag(flag) });
    this.count = h('span', { class: 'rv-count', role: 'status' });
    this.explanation = h('p', { class: 'rv-what', text: WHAT_ERRORS_ARE, hidden: true });
    this.selected = h('span', { class: 'rv-chosen' });
    /** @type {{ state: State, label: string, element: Button }[]} */
    this.buttons = ANSWERS.map(([state, label, key]) => ({ state, label, element: button(label, key, () => this.state.answer(state)) }));
    this.decide = h('input', { type: 'checkbox', onchange: () => { this.state.setDecides(this.decide.checked); this.draw(); this.decide.blur(); } });
    this.decides = h('label', { class: 'rv-decide', title: 'An answer of a reviewer settles what people disagree about.' },
      this.decide, h('span', { text: 'My answers decide conflicts' }), h('kbd', { text: 'D', 'aria-hidden': 'true' }));
    this.page = h('div', { class: 'rv-page' });
    this.mount();
  }

  build() {
    const bar = h('div', { class: 'an-bar rv-top' }, this.count, h('span', { class: 'an-grow' }), button('Refresh', 'M', () => this.search()), this.saved,
      button('Undo', 'U', () => this.state.undo()), button('Redo', '⇧U', () => this.state.redo()),
      button('History', 'H', () => this.side.toggleHistory()), button('Help', '?', () => this.help.showModal(), 'rv-help'));
    const foot = h('div', { class: 'an-bar an-foot rv-foot' }, ...this.buttons.map(({ element }) => element), this.decides, this.selected);
    this.page.append(this.filters.element, bar, this.explanation,
      h('div', { class: 'rv-body' }, this.list.box, this.side.element), foot, this.notices.element);
    return [this.page, this.side.tools.information.element];
  }

  // ---- beginning

  /** @param {ReviewStart} start */
  prepare(start) {
    const names = new Map(start.categories.map(({ id, name }) => [id, name]));
    const { server, queue, guard, me } = this;
    this.state = new ReviewState({ server, queue, guard, me, isReviewer: start.reviewer, names }, {
      draw: () => this.draw(), notify: (text) => this.notify(text), tell: (text) => this.tell(text), say: (text) => this.say(text),
    });
    this.filters.build(start);
    this.side.use(start.categories);
    if (start.reviewer) this.decides.replaceChildren(h('span', { text: 'You are a reviewer: your answers decide.' }));
    this.list.box.addEventListener('scroll', () => this.#loadMore(), { passive: true });
    addEventListener('scroll', () => this.#loadMore(), { passive: true });
    addEventListener('resize', () => this.#fit());
    new ResizeObserver(() => this.#fit()).observe(this.unsaved.element);
    addEventListener('hashchange', () => this.open()); // back, forward or a link
  }

  open() {
    this.filters.fromHash(location.hash);
    return this.search();
  }

  // ---- finding

  #changed() {
    // The whole address: what is relative is taken from the base of the document, which is the Label page.
    history.pushState(history.state, '', `${location.pathname}${location.search}#${this.filters.hash}`);
    this.search();
  }

  /** @returns {Promise<unknown>} */
  async search() {
    this.root.setAttribute('aria-busy', 'true');
    const { state } = this;
    this.#useCategories();
    const found = await state.search(this.filters.values);
    if (!found) return null; // a newer search is on its way
    const { searches } = state;
    if (found.away || found.again) return this.retry(found.message ?? 'The server does not answer; trying again.', () => (state.searches === searches ? this.search() : null));
    this.ready();
    this.list.clear();
    if (!found.ok) return this.list.showInstead(h('p', { text: found.message ?? '' }));
    this.filters.count({ conflicts: found.conflicts, checks: found.checks, flags: found.flagged });
    if (!found.total) this.#showNothing(found);
    this.#fit();
    this.#showFocus();
    return null;
  }

  #useCategories() {
    const list = this.takeCategories();
    if (!list) return;
    this.state.useNames(new Map(list.categories.map(({ id, name }) => [id, name])));
    this.side.use(list.categories);
    this.filters.useCategories(list.categories);
  }

  categoriesComing() { this.tell(`The categories have changed; press ${keyOr('M', 'Refresh')} to list the pairs with them.`, CATEGORIES); }

  // The next pairs come before the last card is reached.
  async #loadMore() {
    const { state, list: { box, columns } } = this;
    const hasScrollbar = box.scrollHeight > box.clientHeight + 1;
    const below = hasScrollbar ? box.scrollHeight - box.scrollTop - box.clientHeight : box.getBoundingClientRect().bottom - innerHeight;
    const at = state.focus ? state.pairs.indexOf(state.focus) : -1;
    const isNearLast = at >= state.pairs.length - 2 * columns;
    if (!state.hasMore || (below > NEAR_END && !isNearLast)) return;
    if (!await state.loadMore()) return;
    this.draw();
    this.#loadMore();
  }

  /** @param {ReviewFound} found */
  #showNothing({ version }) {
    const show = String(this.state.filters?.show);
    const { narrowing } = this.filters;
    const isUntrained = show === 'errors' && version === null;
    /** @type {Record<string, string | undefined>} */
    const texts = {
      errors: isUntrained ? 'There is no version yet that could disagree with a label. The first one is trained after some answers; see the Train page.' : 'The model disagrees with no label here.',
      conflicts: 'Wherever several people answered, they agree.', checks: 'Every attention check on the Verify page was answered as before, or has been decided since.', flags: 'No image is flagged.', all: 'Nothing has been answered yet. Start on the Label page.',
    };
    const text = texts[show] ?? '';
    if (narrowing.length) {
      const loosen = narrowing.map(({ name, label, value }) => button(`${label}: ${value} ✕`, null, () => this.filters.clear(name)));
      this.list.showInstead(h('p', { text: isUntrained ? text : 'Nothing matches these filters. Remove one:' }), h('div', { class: 'an-bar rv-loosen' }, ...loosen));
      return;
    }
    const all = show === 'all' ? [] : [button('Show all answers', null, () => this.filters.showList('all'), 'primary')];
    this.list.showInstead(h('p', { text }), ...all);
  }

  /** @param {number | null} number */
  newVersion(number) {
    if (!this.state?.filters || number === null || number === this.state.version || number === this.announced) return;
    this.announced = number;
    this.tell(`Version ${number} is ready. Press ${keyOr('M', 'Refresh')} to list the pairs with it.`, 'version');
  }

  // ---- drawing

  draw() {
    const { state, list, side } = this;
    if (!state) return;
    list.draw(state.pairs, state.focus);
    side.draw();
    const { selected, focus, filters } = state;
    const pairs = selected.length ? selected : [focus].filter((pair) => pair?.isPair);
    for (const { state: answer, label, element } of this.buttons) {
      const changes = state.changing(selected, answer).length;
      element.say(selected.length ? `${label} (${changes})` : label);
      element.disabled = selected.length ? !changes : !pairs.length;
      element.title = selected.length ? `changes ${changes} of ${selected.length} selected` : '';
    }
    const unseen = selected.filter(({ isDrawn }) => !isDrawn).length;
    this.selected.textContent = selected.length ? `${selected.length} selected${unseen ? `, ${unseen} wait${unseen === 1 ? 's' : ''} for ${unseen === 1 ? 'its image' : 'their images'}` : ''}; the buttons say how many they change. Esc clears the selection.` : '';
    this.decide.checked = state.decides;
    this.decides.hidden = !state.isReviewer && !state.decides && !state.pairs.some((pair) => pair.state === 'conflict');
    this.explanation.hidden = filters?.show !== 'errors' || !state.total;
    this.count.textContent = filters ? this.#countText(String(filters.show)) : '';
  }

  /** @param {string} show */
  #countText(show) {
    const { total, focus } = this.state;
    const plural = total === 1 ? '' : 's';
    const isFlags = show === 'flags' && !focus?.isPair;
    return `${formatNumber(total)} ${isFlags ? `flagged image${plural}` : `pair${plural}${ABOUT[show] ?? ''}`}`;
  }

  // Its image is there; the buttons count it once a frame.
  /** @param {Pair} pair */
  #drawn(pair) {
    pair.isDrawn = true;
    this.nextFrame ??= requestAnimationFrame(() => {
      this.nextFrame = null;
      this.draw();
    });
  }

  // The page takes what the window leaves below the status line.
  #fit() {
    this.root.style.setProperty('--an-top', `${Math.round(this.page.getBoundingClientRect().top + scrollY)}px`);
  }

  /** @param {Pair | null} pair */
  #setFocus(pair) {
    this.state.setFocus(pair);
    this.#showFocus();
    this.list.reveal(pair);
  }

  #showFocus() {
    this.side.show(this.state.focus);
    this.draw();
    this.#loadMore();
  }

  // ---- moving and selecting

  /** @param {Pair} pair @param {Click} click */
  #pick(pair, { isToggle, isExtend }) {
    if (isExtend) this.state.extendTo(pair);
    else if (isToggle) this.state.toggleSelected(pair);
    this.#setFocus(pair);
  }

  /** @param {Direction} direction @param {boolean} isExtend */
  #move(direction, isExtend) {
    const { pairs, focus } = this.state;
    if (!pairs.length) return;
    const pair = pairs[this.list.placeFrom(focus ? pairs.indexOf(focus) : -1, direction)];
    if (isExtend) this.state.extendTo(pair);
    else this.state.dropAnchor();
    this.#setFocus(pair);
  }

  /** @param {Pair | null} pair */
  #open(pair) { if (pair) location.assign(`./#${pair.row.image}`); }

  // ---- keys

  /** @param {KeyboardEvent} event */
  key(event) {
    const command = commandOf(event);
    if (!command) return false;
    if (event.target instanceof Element && event.target.matches('input[type=checkbox]') && event.key === ' ') return false;
    if (!event.repeat || mayRepeat(command)) this.#do(command);
    return true;
  }

  /** @param {string} command */
  #do(command) {
    const { state, side } = this;
    const { focus } = state;
    const answer = ANSWERS.find(([each]) => each === command);
    if (answer) state.answer(answer[0]);
    const direction = /^(?:extend)?(left|right|up|down|first|last)$/i.exec(command)?.[1].toLowerCase();
    if (direction) this.#move(/** @type {Direction} */ (direction), command.startsWith('extend'));
    /** @type {Record<string, () => unknown>} */
    const commands = {
      select: () => focus && state.toggleSelected(focus), selectAll: () => state.selectAll(true), selectNone: () => state.selectAll(false),
      undo: () => state.undo(), redo: () => state.redo(), decide: () => this.#toggleDecides(), filters: () => this.filters.enter(),
      history: () => this.say(side.toggleHistory() ? 'history shown' : 'history hidden'), open: () => this.#open(focus),
      resolve: () => state.resolveFlag(focus?.row.flags[0]?.id), refresh: () => this.search(), help: () => this.help.showModal(),
    };
    commands[command]?.();
    this.draw();
  }

  #toggleDecides() {
    const { state } = this;
    if (!state.isReviewer) state.setDecides(!state.decides);
    this.notify(state.isReviewer ? 'You are a reviewer: your answers decide already.'
      : state.decides ? 'Your answers now decide conflicts.' : 'Your answers now count as one opinion.');
  }

  // ---- what the server says, and messages

  /** @param {Job} job @param {Done} result */
  async confirmed(job, result) { this.#updated(await this.state.confirmed(job, result)); }

  /** @param {Job} job @param {string} message */
  async refused(job, message) { this.#updated(await this.state.refused(job, message)); }

  /** @param {Pair[]} pairs */
  #updated(pairs) {
    if (this.side.pair && pairs.includes(this.side.pair)) this.side.update();
    this.draw();
  }

  /** @param {string} text */
  fail(text) {
    this.list.clear();
    this.list.showInstead(h('p', { text }));
  }
}
