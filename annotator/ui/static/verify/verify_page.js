// The Verify page: one category, many images; the model's guess stands until somebody flips it.

import { Codes } from './image_codes.js';
import { button, h } from '../shared/dom.js';
import { Grid } from './image_grid.js';
import { digitOf } from '../shared/keys.js';
import { Large } from './large_image.js';
import { Pages } from './page_answers.js';
import { Picker } from './category_picker.js';
import { Rest } from './rest_absent.js';
import { pause } from '../shared/server.js';
import { Screen } from '../shared/work_screen.js';
import { Supply } from './page_supply.js';
import { HELP, mayRepeat, verifyCommand } from './verify_keys.js';
import { MODES, sentence, nothingLeft, told } from './verify_texts.js';

const SIZES = [12, 20, 40, 60];
const HOLD_MS = 250; // so long Shift is held before it shows the picture
const NOTICE_MS = 6000;

export class VerifyPage extends Screen {
  constructor(root, functions) {
    super(root, functions, { help: HELP });
    this.mount();
  }

  build() {
    this.page = null;
    this.steps = 0;
    this.grid = new Grid({
      onFlip: (item) => this.pages.flip(item), onBroken: (item) => this.supply.passed.add(item.id),
      onLook: (item, how) => this.#look(item, how), onSeen: () => this.rest.draw(),
    });
    this.codes = new Codes(this.grid, {
      onRow: (digit) => this.say(`Row ${digit}`), onPlace: (place, { shift }) => this.#reach(place, shift ? 'unsure' : null),
    });
    this.large = new Large();
    this.rest = new Rest(this);
    this.picker = new Picker({ onPick: (id) => this.#start(id) });
    this.lead = h('p', { class: 'vf-lead' });
    this.agreed = h('span', { class: 'vf-agreed', title: 'A few pictures of most pages are put in although the model is sure of the opposite, to see whether they are noticed.' });
    this.card = null;
    this.notice = h('div', { class: 'an-notice', role: 'status', hidden: true });
    return [h('section', { class: 'vf', 'aria-label': 'Verify' }, this.#top(), h('div', { class: 'an-bar vf-line' }, this.lead, h('span', { class: 'an-grow' }), this.agreed),
      this.grid.element, this.#foot()), this.large.element, this.notice];
  }

  #top() {
    this.tabs = MODES.map(({ mode, label }, place) => {
      const tab = button(label, `⇧${place + 1}`, () => this.#start(this.picker.current, mode), 'vf-mode');
      tab.count = h('span', { class: 'vf-number' });
      tab.insertBefore(tab.count, tab.lastChild);
      return tab;
    });
    this.sizes = h('select', { class: 'vf-size', 'aria-label': 'Images on a page', onchange: () => this.#resize(Number(this.sizes.value)) },
      ...SIZES.map((size) => h('option', { value: size, text: `${size} a page` })));
    return h('div', { class: 'an-bar vf-top' }, this.picker.element,
      button('Previous', 'P', () => this.#neighbour(-1), 'vf-step vf-back'), button('Next', 'N', () => this.#neighbour(1), 'vf-step'),
      h('div', { class: 'vf-modes', role: 'group', 'aria-label': 'What to look at' }, ...this.tabs), h('span', { class: 'an-grow' }), this.sizes);
  }

  #foot() {
    this.commitButton = button('Save', '⏎', () => this.pages.commit(), 'primary vf-commit');
    this.tally = h('span', { class: 'vf-tally' });
    return h('div', { class: 'an-bar vf-foot' }, this.commitButton, ...this.rest.buttons, this.tally, h('span', { class: 'an-grow' }), this.saved, this.who,
      button('All present', 'M', () => this.pages.all('present'), 'vf-all'), button('All absent', '⇧M', () => this.pages.all('absent'), 'vf-all'),
      button('Cannot tell', 'S', () => this.pages.mark(this.grid.focused, 'unsure'), 'vf-unsure'),
      button('Undo', 'U', () => this.pages.undo()), button('Redo', '⇧U', () => this.pages.redo(), 'vf-redo'),
      button('Help', '?', () => this.help.showModal(), 'vf-help'));
  }

  // ---- beginning

  prepare(start) {
    const name = `${start.project.key}:${this.me}`;
    this.supply = new Supply(this.server, this.queue, name);
    this.pages = new Pages(this);
    this.version = start.version;
    this.#tellAgreement(start.agreement);
    this.sizes.value = String(SIZES.includes(Number(kept('annotator-grid'))) ? Number(kept('annotator-grid')) : usualSize());
    addEventListener('resize', () => this.#fit());
    new ResizeObserver(() => this.#fit()).observe(this.watch.element);
    addEventListener('keyup', (event) => { if (event.key === 'Shift') this.#release(); });
    addEventListener('blur', () => this.#release());
  }

  #fit() {
    this.grid.layout();
    this.caps.paint();
  }

  open(start) {
    this.picker.use(start.categories, start.counts);
    const [id, mode] = location.hash.slice(1).split('-');
    const known = this.picker.byId.has(Number(id)) ? Number(id) : this.picker.order[0];
    this.ready();
    this.#countLater();
    return this.#start(known, MODES.some((each) => each.mode === mode) ? mode : 'confirm');
  }

  // A large project is counted behind; the numbers come when they are there.
  async #countLater() {
    if (Object.values(this.picker.counts).every(({ suggested }) => suggested !== null)) return;
    await pause(2000);
    await this.#recount();
    this.#countLater();
  }

  async #recount() {
    const got = await this.server.call('counts');
    if (got.ok) this.picker.counts = got.counts;
    this.draw();
  }

  #start(category, mode = this.wanted ?? 'confirm', like = null) {
    this.wanted = mode;
    const isTaught = this.picker.counts[category]?.taught;
    return this.go({ category, mode: isTaught ? mode : 'like', like });
  }

  // Another category or mode: what was loaded for the old one is of no use.
  async go(about) {
    if (this.page?.items.length && this.page.about !== about) this.supply.leave(this.page);
    this.supply.use(about, Number(this.sizes.value));
    this.picker.show(about.category);
    history.replaceState(history.state, '', `${location.pathname}#${about.category}-${about.mode}`); // Gradio sets another base
    this.page = null;
    await this.next();
  }

  // ---- pages

  async next() {
    const step = this.steps += 1;
    this.root.setAttribute('aria-busy', 'true');
    const page = await this.supply.next();
    if (page === undefined) return null;
    if (page === null) return this.retry('The server does not answer; the next page comes when it does.', () => (this.page === null ? this.next() : null));
    if (page.refusal) return this.fail(page.refusal);
    this.show(page);
    await this.grid.settled();
    if (step !== this.steps || page !== this.page) return null; // somebody has gone on
    await this.supply.prepare(page, () => this.#replace(page));
    return this.supply.look(this.#near(page));
  }

  // Others were quicker with some of a page that was loaded long ago.
  #replace(page) {
    if (page !== this.page || page.touched.size || page.rest.size) return; // whoever has begun is told when it is saved
    this.go(page.about);
  }

  // What is one key away.
  #near({ about: { category, mode } }) {
    const { picker } = this;
    const isTaught = (id) => Boolean(picker.counts[id]?.taught);
    const isOpen = ({ open }) => open;
    const beside = [picker.neighbour(1, isOpen), picker.neighbour(-1, isOpen)].filter((id) => id !== null);
    const others = isTaught(category) ? MODES.filter((each) => each.mode !== mode) : [];
    return [...beside.map((id) => ({ category: id, mode: isTaught(id) ? this.wanted ?? mode : 'like', like: null })),
      ...others.map((each) => ({ category, mode: each.mode, like: null }))];
  }

  show(page) {
    this.ready();
    this.page = page;
    this.card?.remove();
    this.card = null;
    this.large.close();
    Object.assign(page, { since: performance.now(), warned: false });
    this.rest.show();
    this.grid.show(page);
    if (!page.items.length) this.#showCard();
    this.#lead();
    this.draw();
    this.say(page.items.length ? `${page.items.length} images. ${this.lead.textContent}` : this.card.textContent);
    if (scrollY && innerWidth > 700) scrollTo(0, 0);
  }

  // Nothing is left here: say why, and what brings most now.
  #showCard() {
    const { page, picker } = this;
    const { title, text, other } = nothingLeft(page, picker.counts[page.about.category] ?? {}, this.#nameOf(page.about.category));
    const better = picker.neighbour(1, ({ suggested, uncertain }) => suggested || uncertain) ?? picker.neighbour(1, ({ open }) => open);
    const actions = [];
    if (better !== null) actions.push(button(`Next category: ${this.#nameOf(better)}`, '⏎', () => this.#start(better), 'primary'));
    if (other) actions.push(button(other.label, `⇧${other.place + 1}`, () => this.#start(page.about.category, other.mode)));
    if (better === null && !other) actions.push(h('a', { class: 'an-btn primary', href: '/progress', text: 'See the progress' }));
    this.card = h('section', { class: 'an-card', 'aria-label': title }, h('h2', { text: title }), h('p', { text }), h('div', { class: 'an-bar vf-next' }, ...actions));
    this.grid.element.append(this.card);
  }

  #lead() {
    const { page } = this;
    const { name, description } = this.picker.byId.get(page.about.category);
    this.lead.replaceChildren(...(page.items.length ? sentence(page, name) : []));
    if (description && page.items.length) this.lead.append(h('small', { text: description, dir: 'auto' }));
    if (page.about.like !== null && page.basis === 'likeness') {
      this.lead.append(button('Like all of them instead', null, () => this.#start(page.about.category, 'like'), 'vf-like'));
    }
  }

  // ---- drawing

  draw() {
    const { page, picker } = this;
    if (!page) return;
    picker.show(page.about.category);
    this.grid.draw();
    this.tabs.forEach((tab, place) => {
      const { mode, counts } = MODES[place];
      const isUsable = mode === 'like' || Boolean(picker.counts[page.about.category]?.taught);
      const number = counts && isUsable ? counts(picker.counts[page.about.category]) : null;
      tab.count.textContent = number === null ? '' : number.toLocaleString('en');
      tab.disabled = !isUsable;
      tab.title = isUsable ? '' : 'The model has to learn this category first.';
      tab.setAttribute('aria-pressed', String(mode === page.about.mode));
    });
    const { present, absent, unsure, open, all } = this.pages.tally();
    this.tally.textContent = told({ present, absent, unsure, open });
    this.commitButton.hidden = !page.items.length;
    this.commitButton.say(all ? `Save ${all} and go on` : 'Nothing marked: go on');
    this.rest.draw();
    this.caps.paint();
    this.large.say(this.large.isOpen && this.grid.focused ? `${this.grid.focused.name}: ${this.pages.worded(this.grid.focused)}` : '');
  }

  #nameOf(id) { return this.picker.byId.get(id)?.name ?? ''; }

  #tellAgreement({ checks, found, most }) {
    this.agreed.textContent = checks ? `You found ${found} of the ${checks === most ? 'last ' : ''}${checks} ${checks === 1 ? 'check' : 'checks'}.` : '';
  }

  // ---- large

  #look(item, how) {
    const { large } = this;
    if (how === 'click') return this.#toggleLarge();
    if (large.kept) return null;
    if (!item) return large.close();
    large.show(item);
    return large.say(item.name);
  }

  #toggleLarge() {
    const { large, grid } = this;
    if (large.kept) large.close();
    else if (grid.focused) large.show(grid.focused, { kept: true });
    this.draw();
  }

  // Shift alone, held for a moment, is a look at the picture.
  #hold() {
    this.#release();
    if (this.large.isOpen) return;
    this.holding = setTimeout(() => {
      this.held = true;
      if (this.grid.focused) this.large.show(this.grid.focused);
      this.draw();
    }, HOLD_MS);
  }

  #release() {
    clearTimeout(this.holding);
    if (this.held && !this.large.kept) this.large.close();
    this.held = false;
  }

  // ---- keys

  key(event) {
    if (event.key === 'Shift') {
      if (!event.repeat) this.#hold();
      return false;
    }
    clearTimeout(this.holding);
    if (this.codes.key(event)) return true;
    const digit = digitOf(event);
    if (digit >= 0 && digit < MODES.length && event.shiftKey) {
      if (!this.tabs[digit].disabled) this.#start(this.picker.current, MODES[digit].mode);
      else this.tell(this.tabs[digit].title);
      return true;
    }
    const name = verifyCommand(event);
    if (name && (!event.repeat || mayRepeat(name))) this.#do(name);
    return Boolean(name);
  }

  #do(name) {
    const { grid, pages, rest } = this;
    const acts = {
      flip: () => grid.focused && pages.flip(grid.focused), unsure: () => pages.mark(grid.focused, 'unsure'),
      left: () => this.#move(-1, 0), right: () => this.#move(1, 0), up: () => this.#move(0, -1), down: () => this.#move(0, 1),
      commit: () => this.#enter(), rest: () => rest.toggle(), finish: () => rest.finish(), undo: () => pages.undo(), redo: () => pages.redo(),
      allPresent: () => pages.all('present'), allAbsent: () => pages.all('absent'),
      like: () => grid.focused && this.#start(this.picker.current, 'like', grid.focused.id),
      nextCategory: () => this.#neighbour(1), previousCategory: () => this.#neighbour(-1), choose: () => this.picker.open(),
      large: () => this.#toggleLarge(), zoom: () => this.large.isOpen && this.large.zoom.toggle(),
      open: () => grid.focused && window.open(`/#${grid.focused.id}`, '_blank'),
      more: () => this.#step(1), fewer: () => this.#step(-1),
      close: () => { if (!this.codes.forget()) this.large.close(); this.draw(); }, help: () => this.help.showModal(),
    };
    acts[name]();
  }

  #enter() {
    const first = this.card?.querySelector('.an-btn');
    if (first) first.click();
    else if (this.page) this.pages.commit();
  }

  #move(right, down) {
    this.codes.forget();
    this.grid.move(right, down);
    this.#follow();
  }

  // What was named by its code; the focus goes there.
  #reach(place, state) {
    this.grid.focus(place, { reaching: true });
    if (state) this.pages.mark(this.grid.focused, state);
    else this.pages.flip(this.grid.focused);
    this.#follow();
  }

  #follow() {
    if (this.large.isOpen && this.grid.focused) this.large.show(this.grid.focused);
    this.draw();
  }

  #neighbour(step) {
    const id = this.picker.neighbour(step, ({ open }) => open);
    if (id !== null) this.#start(id);
    else this.tell('No other category has open images.');
  }

  #step(step) {
    const size = SIZES[SIZES.indexOf(Number(this.sizes.value)) + step];
    if (size) this.#resize(size);
  }

  #resize(size) {
    this.sizes.value = String(size);
    this.sizes.blur();
    keep('annotator-grid', size);
    if (this.page) this.go(this.page.about);
  }

  // ---- what the server says

  newVersion(number) {
    if (!this.supply?.about || number === null || number === this.version) return;
    this.version = number;
    this.supply.drop(); // used from the next page on
    this.#recount();
    this.tell(`Version ${number} is ready; it is used from the next page on.`);
  }

  confirmed(job, result) {
    if (result.agreement) this.#tellAgreement(result.agreement);
    this.pages?.confirmed(job, result);
    if (!this.queue.pending && this.page) this.#recount();
  }

  // What was put aside is open again as far as the server knows.
  refused(job, message) {
    this.tell(message);
    this.#recount();
  }

  leave() { this.pages?.remember(); }

  fail(text) {
    this.ready();
    this.page = null;
    this.rest.show();
    this.grid.clear();
    this.card = h('section', { class: 'an-card', role: 'status' }, h('p', { text }));
    this.grid.element.append(this.card);
  }

  tell(text) {
    this.notice.textContent = text;
    this.notice.hidden = false;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => { this.notice.hidden = true; }, NOTICE_MS);
  }
}

const usualSize = () => (innerWidth >= 1000 ? 40 : innerWidth > 700 ? 20 : 12);

function kept(key) {
  try { return localStorage.getItem(key); } catch { return null; }
}

function keep(key, value) {
  try { localStorage.setItem(key, String(value)); } catch { /* The usual size comes back with the next visit. */ }
}
