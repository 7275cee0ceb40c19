// The Verify page: one category, many images; the model's guess stands until somebody flips it.

import { store, stored } from '../shared/browser_store.js';
import { button, formatNumber, h } from '../shared/dom.js';
import { digitOf } from '../shared/keyboard.js';
import { pause } from '../shared/server.js';
import { WorkScreen } from '../shared/work_screen.js';
import { CategoryOrder } from './category_order.js';
import { CategoryPicker } from './category_picker.js';
import { ImageCodes } from './image_codes.js';
import { ImageGrid } from './image_grid.js';
import { commandOf, HELP, mayRepeat } from './keys.js';
import { LargeImage } from './large_image.js';
import { nothingLeftCard } from './nothing_left_card.js';
import { PageSupply } from './page_supply.js';
import { rareNote } from './rare_note.js';
import { agreementText, CHECKS, MODES, sentence, tallyText } from './texts.js';
import { VerifyState } from './verify_state.js';

/** @import { Agreement, GridItem, VerifyStart } from '../shared/wire.d.ts' */
/** @import { Done, Job } from '../shared/save_queue.js' */
/** @import { About, ImagePage } from './image_page.js' */

const SIZES = [12, 20, 40, 60];
const SIZE_KEY = 'annotator-grid';
const HOLD_MS = 250; // so long Shift is held before it shows the image
const RECOUNT_MS = 2000;

export class VerifyPage extends WorkScreen {
  /** @type {VerifyState} */
  state;

  order = new CategoryOrder([], {});

  /** @type {HTMLElement | null} */
  card = null; // what is said in place of images

  /** @type {ReturnType<typeof setTimeout> | undefined} */
  holding;

  isHeld = false; // Shift shows the image

  /** @param {HTMLElement} root @param {Record<string, (data: object) => Promise<any>>} functions */
  constructor(root, functions) {
    super(root, functions, { page: 'verify', help: HELP, takesSelection: true });
    this.grid = new ImageGrid({
      onFlip: (item) => this.state.flip(item), onBroken: (item) => this.state.supply.pass([item]),
      onEnlarge: () => this.#toggleLarge(), onPeek: (item) => this.#peek(item), onSeen: () => this.#drawRest(),
    });
    this.codes = new ImageCodes(this.grid, {
      onRow: (digit) => this.say(`Row ${digit}`), onPlace: (place, isShifted) => this.#markPlace(place, isShifted),
    });
    this.large = new LargeImage(root, this.server);
    this.picker = new CategoryPicker({ onPick: (id) => this.state.start(id) });
    this.lead = h('p', { class: 'vf-lead' });
    this.agreement = h('span', { class: 'vf-agreed', title: CHECKS });
    this.tabs = MODES.map(({ mode, label }, place) => {
      const count = h('span', { class: 'vf-number' });
      const tab = button(label, `⇧${place + 1}`, () => this.#startMode(place), 'vf-mode');
      tab.insertBefore(count, tab.lastChild);
      return { mode, tab, count };
    });
    this.sizes = h('select', { class: 'vf-size', 'aria-label': 'Images per page', onchange: () => this.#resize(Number(this.sizes.value)) },
      ...SIZES.map((size) => h('option', { value: size, text: `${size} per page` })));
    this.commitButton = button('Save', '⏎', () => this.state.commit(this.grid.seen), 'primary vf-commit an-commits');
    this.restButton = button('Rest absent', 'X', () => this.state.toggleRest(this.grid.seen), 'vf-rest');
    this.finishButton = button('… and next', '⇧⏎', () => this.state.finish(this.grid.seen), 'vf-finish an-commits');
    this.finishButton.title = 'Mark everything absent that was in view and is not marked; save, next page';
    this.tally = h('span', { class: 'vf-tally' });
    this.mount();
  }

  build() {
    this.#hideRest(true);
    const top = h('div', { class: 'an-bar vf-top' }, this.picker.element,
      button('Previous', 'P', () => this.#neighbour(-1), 'vf-step vf-back'), button('Next', 'N', () => this.#neighbour(1), 'vf-step'),
      h('div', { class: 'vf-modes', role: 'group', 'aria-label': 'What to look at' }, ...this.tabs.map(({ tab }) => tab)), h('span', { class: 'an-grow' }), this.sizes);
    const foot = h('div', { class: 'an-bar vf-foot' }, this.commitButton, this.restButton, this.finishButton, this.tally, h('span', { class: 'an-grow' }), this.saved,
      button('All present', 'M', () => this.state.markAll('present'), 'vf-all'), button('All absent', '⇧M', () => this.state.markAll('absent'), 'vf-all'),
      button('Cannot tell', 'S', () => this.state.mark(this.grid.focused, 'unsure'), 'vf-unsure'),
      button('Undo', 'U', () => this.state.undo()), button('Redo', '⇧U', () => this.state.redo(), 'vf-redo'),
      button('Help', '?', () => this.help.showModal(), 'vf-help'));
    return [h('section', { class: 'vf', 'aria-label': 'Verify' }, top, h('div', { class: 'an-bar vf-line' }, this.lead, h('span', { class: 'an-grow' }), this.agreement),
      this.grid.element, foot), this.large.element, this.large.tools.information.element];
  }

  // ---- beginning

  /** @param {VerifyStart} start */
  prepare(start) {
    const wanted = Number(stored(SIZE_KEY));
    this.sizes.value = String(SIZES.includes(wanted) ? wanted : usualSize());
    this.order = new CategoryOrder(start.categories, start.counts);
    this.picker.use(this.order);
    const supply = new PageSupply(this.server, this.queue, `${start.project.key}:${this.me}`, Number(this.sizes.value), this.selection);
    const { server, queue, guard, order, me, categoryNames: names = new Map() } = this;
    this.state = new VerifyState({ server, queue, guard, names, supply, order, me, version: start.version }, {
      takeCategories: () => this.#takeCategories(), showLoading: () => this.root.setAttribute('aria-busy', 'true'), showAbout: (about) => this.#showAbout(about),
      showPage: () => this.#showPage(), settled: () => this.grid.settled(), takesCommit: () => this.gate.takes(), tell: (text, subject) => this.tell(text, subject), draw: () => this.draw(), fail: (text) => this.fail(text),
      retry: (text, again) => this.retry(text, again), notify: (text) => this.notify(text), say: (text) => this.say(text),
    });
    this.#showAgreement(start.agreement);
    addEventListener('resize', () => this.#fit());
    new ResizeObserver(() => this.#fit()).observe(this.unsaved.element);
    addEventListener('keyup', (event) => { if (event.key === 'Shift') this.#release(); });
    addEventListener('blur', () => this.#release());
  }

  #fit() {
    this.grid.layout();
    this.keycaps.paint();
  }

  /** @returns {Promise<void>} */
  open() {
    const [id, mode] = location.hash.slice(1).split('-');
    const category = this.order.byId.has(Number(id)) ? Number(id) : this.order.ids[0];
    this.#recountLater();
    return this.state.start(category, MODES.find((each) => each.mode === mode)?.mode);
  }

  // The numbers come when they have been counted.
  async #recountLater() {
    if (this.order.isCounted) return;
    await pause(RECOUNT_MS);
    await this.state.recount();
    this.#recountLater();
  }

  // The numbers of new ones are there before they are.
  async categoriesComing() {
    await this.state?.recount();
    if (this.state?.isRefused) await this.state.next(); // nothing is on the screen
  }

  #takeCategories() {
    const list = this.takeCategories();
    if (!list?.categories.length) return false;
    this.order = new CategoryOrder(list.categories, this.order.counts);
    this.picker.use(this.order);
    this.state.useOrder(this.order);
    return true;
  }

  /** @param {About} about */
  #showAbout({ category, mode }) {
    this.picker.show(category);
    history.replaceState(history.state, '', `${location.pathname}${location.search}#${category}-${mode}`); // Gradio sets another base
  }

  #showPage() {
    const { page } = this.state;
    if (!page) return;
    this.ready();
    this.card?.remove();
    this.card = null;
    this.large.close();
    this.gate.close();
    this.#hideRest(!this.state.offersRest); // before the grid is laid out: the buttons take room below it
    this.grid.show(page);
    this.grid.settled().then(() => { if (page === this.state.page) this.gate.open(); });
    const card = page.items.length ? null : nothingLeftCard(page, this.order, (category, mode) => this.state.start(category, mode));
    if (card) this.#showCard(card);
    this.#drawLead(page);
    this.draw();
    this.say(card?.textContent ?? `${page.items.length} images. ${this.lead.textContent}`);
    if (scrollY && innerWidth > 700) scrollTo(0, 0);
  }

  /** @param {HTMLElement} card */
  #showCard(card) {
    this.card = card;
    this.grid.element.append(card);
  }

  // ---- drawing

  /** @param {ImagePage} page */
  #drawLead(page) {
    const { category, like } = page.about;
    const { name = '', description = '' } = this.order.byId.get(category) ?? {};
    this.lead.replaceChildren(...(page.items.length ? sentence(page, name) : []));
    if (description && page.items.length) this.lead.append(h('small', { text: description, dir: 'auto' }));
    this.lead.append(...rareNote(page, this.order.of(category), () => this.state.start(category, 'like')));
    if (like !== null && page.basis === 'likeness') {
      this.lead.append(button('Compare with all of them instead', null, () => this.state.start(category, 'like'), 'vf-like'));
    }
  }

  draw() {
    const { page } = this.state;
    if (!page) return;
    const { category } = page.about;
    this.picker.show(category);
    this.grid.draw();
    this.tabs.forEach(({ mode, tab, count }, place) => {
      const isUsable = mode === 'like' || this.order.isTaught(category);
      const number = isUsable ? MODES[place].count(this.order.of(category)) : null;
      count.textContent = number === null ? '' : formatNumber(number);
      tab.disabled = !isUsable;
      tab.title = isUsable ? '' : 'The model has to learn this category first.';
      tab.setAttribute('aria-pressed', String(mode === page.about.mode));
    });
    const tally = page.tally();
    this.tally.textContent = tallyText(tally);
    this.commitButton.hidden = !page.items.length;
    this.commitButton.say(tally.all ? `Save ${tally.all} and continue` : 'Nothing marked: continue');
    this.#drawRest();
    this.keycaps.paint();
    const { focused } = this.grid;
    this.large.setCaption(this.large.isOpen && focused ? `${focused.name}: ${page.text(focused)}` : '');
  }

  /** @param {boolean} isHidden */
  #hideRest(isHidden) { for (const each of [this.restButton, this.finishButton]) each.hidden = isHidden; }

  #drawRest() {
    const { state } = this;
    if (!state?.offersRest) return;
    const count = state.rest(this.grid.seen).length;
    const isBack = !count && state.markedAsRest.length > 0;
    this.restButton.say(isBack ? 'Rest open again' : `Rest absent (${count})`);
    this.restButton.disabled = !count && !isBack;
  }

  /** @param {Agreement} agreement */
  #showAgreement(agreement) { this.agreement.replaceChildren(...agreementText(agreement)); }

  // ---- large

  // While the pointer is over its button.
  /** @param {GridItem | null} item */
  #peek(item) {
    const { large } = this;
    if (large.isPinned) return;
    if (item) {
      large.show(item);
      large.setCaption(item.name);
    } else large.close();
  }

  #toggleLarge() {
    const { large, grid } = this;
    if (large.isPinned) large.close();
    else if (grid.focused) large.show(grid.focused, { pin: true });
    this.draw();
  }

  // Shift alone, held for a moment, is a look at the image.
  #hold() {
    this.#release();
    if (this.large.isOpen) return;
    this.holding = setTimeout(() => {
      this.isHeld = true;
      if (this.grid.focused) this.large.show(this.grid.focused);
      this.draw();
    }, HOLD_MS);
  }

  #release() {
    clearTimeout(this.holding);
    if (this.isHeld && !this.large.isPinned) this.large.close();
    this.isHeld = false;
  }

  // ---- keys

  /** @param {KeyboardEvent} event */
  key(event) {
    if (event.key === 'Shift') {
      if (!event.repeat) this.#hold();
      return false;
    }
    clearTimeout(this.holding);
    if (this.codes.key(event)) return true;
    const digit = digitOf(event);
    if (digit >= 0 && digit < MODES.length && event.shiftKey) {
      const { tab } = this.tabs[digit];
      if (tab.disabled) this.notify(tab.title);
      else this.#startMode(digit);
      return true;
    }
    const command = commandOf(event);
    if (command && (!event.repeat || mayRepeat(command))) this.#do(command);
    return Boolean(command);
  }

  /** @param {string} command */
  #do(command) {
    const { grid, state } = this;
    /** @type {Record<string, () => unknown>} */
    const commands = {
      flip: () => grid.focused && state.flip(grid.focused), unsure: () => state.mark(grid.focused, 'unsure'),
      left: () => this.#move(-1, 0), right: () => this.#move(1, 0), up: () => this.#move(0, -1), down: () => this.#move(0, 1),
      commit: () => this.#enter(), rest: () => state.toggleRest(grid.seen), finish: () => state.finish(grid.seen), undo: () => state.undo(), redo: () => state.redo(),
      allPresent: () => state.markAll('present'), allAbsent: () => state.markAll('absent'),
      like: () => grid.focused && this.picker.current !== null && state.start(this.picker.current, 'like', grid.focused.id),
      nextCategory: () => this.#neighbour(1), previousCategory: () => this.#neighbour(-1), choose: () => this.picker.open(),
      large: () => this.#toggleLarge(), zoom: () => this.large.isOpen && this.large.zoom.toggle(),
      fullScreen: () => this.large.toggleFullScreen(grid.focused), adjust: () => this.large.toggleAdjustment(grid.focused),
      open: () => grid.focused && window.open(`./#${grid.focused.id}`, '_blank'),
      more: () => this.#step(1), fewer: () => this.#step(-1),
      close: () => { if (!this.codes.cancel() && !this.large.tools.close()) this.large.close(); this.draw(); }, help: () => this.help.showModal(),
    };
    commands[command]();
  }

  #enter() {
    const first = this.card?.querySelector('.an-btn');
    if (first instanceof HTMLElement) { if (this.gate.takes()) first.click(); }
    else if (this.state.page) this.state.commit(this.grid.seen);
  }

  /** @param {number} right @param {number} down */
  #move(right, down) {
    this.codes.cancel();
    this.grid.move(right, down);
    this.#followFocus();
  }

  // The image that was named by its code; the focus goes there.
  /** @param {number} place @param {boolean} isUnsure */
  #markPlace(place, isUnsure) {
    this.grid.focus(place, true);
    const { focused } = this.grid;
    if (!focused) return;
    if (isUnsure) this.state.mark(focused, 'unsure');
    else this.state.flip(focused);
    this.#followFocus();
  }

  #followFocus() {
    if (this.large.isOpen && this.grid.focused) this.large.show(this.grid.focused);
    this.draw();
  }

  /** @param {number} place of a mode */
  #startMode(place) { if (this.picker.current !== null) this.state.start(this.picker.current, MODES[place].mode); }

  /** @param {number} step */
  #neighbour(step) {
    const id = this.order.neighbour(this.picker.current, step, ({ open }) => Boolean(open));
    if (id !== null) this.state.start(id);
    else this.notify('No other category has open images.');
  }

  /** @param {number} step */
  #step(step) {
    const size = SIZES[SIZES.indexOf(Number(this.sizes.value)) + step];
    if (size) this.#resize(size);
  }

  /** @param {number} size */
  #resize(size) {
    this.sizes.value = String(size);
    this.sizes.blur();
    store(SIZE_KEY, String(size)); // else the usual size comes back with the next visit
    this.state.resize(size);
  }

  // ---- what the server says, and messages

  orderComes() { this.state?.useImageOrder(); }

  /** @param {number | null} number */
  newVersion(number) { if (number !== null) this.state?.useVersion(number); }

  /** @param {Job} job @param {Done} result */
  confirmed(job, result) {
    if (result.agreement) this.#showAgreement(result.agreement);
    this.state.confirmed(job, result);
  }

  /** @param {Job} _job @param {string} message */
  refused(_job, message) { this.state.refused(message); }

  leave() { this.state?.remember(); }

  /** @param {string} text */
  fail(text) {
    this.ready();
    this.#hideRest(true);
    this.grid.clear();
    this.#showCard(h('section', { class: 'an-card', role: 'status' }, h('p', { text })));
  }}

const usualSize = () => (innerWidth >= 1000 ? 40 : innerWidth > 700 ? 20 : 12);
