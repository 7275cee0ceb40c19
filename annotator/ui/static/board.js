// The Label page: one image, its categories, and the keys between them.

import { Album } from './album.js';
import { Answering } from './answering.js';
import { button, h, randomId, reveal, viewOf } from './dom.js';
import { command, digitOf, HELP } from './keys.js';
import { Finder } from './finder.js';
import { confirmed, refused } from './replies.js';
import { RowList } from './rows.js';
import { Screen } from './screen.js';
import { Stage } from './stage.js';
import { Strip } from './strip.js';

const CYCLE = { unknown: 'present', unsure: 'present', conflict: 'present', present: 'absent', absent: 'cleared' };
const REPEATABLE = ['up', 'down', 'next', 'previous'];

export class Board extends Screen {
  constructor(root, functions) {
    super(root, functions, { help: HELP });
    this.mount();
  }

  build() {
    Object.assign(this, { item: null, focus: null, seen: new Set() });
    this.stage = new Stage({ onBanner: () => this.refresh() });
    this.place = h('span', { class: 'an-place' });
    this.right = h('section', { class: 'an-right', 'aria-label': 'Labels' });
    this.strip = new Strip((place) => this.go(place));
    this.acceptButton = button('Accept suggested', '⇧A', () => this.answering.acceptAll(), 'primary');
    this.sweepButton = button('Rest absent', 'X', () => this.answering.sweep());
    const onPhones = button('Next', null, () => this.next(), 'an-phone'); // the other one is out of reach there
    this.foot = h('div', { class: 'an-bar an-foot' }, this.acceptButton, this.sweepButton, onPhones);
    return [h('div', { class: 'an-board' }, this.#left(), this.right)];
  }

  #left() {
    const bar = h('div', { class: 'an-bar an-moves' },
      button('Previous', '←', () => this.go(this.album.at - 1)), button('Next', '⏎', () => this.next()), this.place,
      h('span', { class: 'an-grow' }), this.saved, this.who,
      button('Undo', 'U', () => this.answering.undo()), button('Redo', '⇧U', () => this.answering.redo()),
      button('Help', '?', () => this.help.showModal()));
    return h('section', { class: 'an-left', 'aria-label': 'Image' }, this.stage.element, this.strip.element, bar);
  }

  // ---- beginning

  prepare(start) {
    this.album = new Album(this.server, this.queue, `${start.project.key}:${this.me}`);
    this.album.use(start.version);
    this.answering = new Answering(this);
    this.rows = new RowList(start.categories, { onPick: (row, state) => this.#pick(row, state) });
    this.finder = new Finder({
      onText: (text) => this.#filter(text), onMove: (step) => this.#move(step),
      onPick: (state) => this.focus && this.#pick(this.focus, state), onLeave: () => this.#leaveFinder(),
    });
    this.right.replaceChildren(h('div', { class: 'an-bar' }, this.finder.element), this.rows.box, this.foot);
    this.#listen();
  }

  #listen() {
    const look = () => requestAnimationFrame(() => this.#look());
    this.rows.box.addEventListener('scroll', look, { passive: true });
    addEventListener('scroll', look, { passive: true });
    addEventListener('resize', () => this.#fit());
    addEventListener('hashchange', () => this.#follow(Number(location.hash.slice(1))));
    new ResizeObserver(() => this.#fit()).observe(this.watch.element);
  }

  async open(start) {
    if (!await this.album.open(Number(location.hash.slice(1)), start.resume)) {
      return this.retry('No image can be had just now; trying again.', () => this.open(start));
    }
    this.ready();
    return this.go(this.album.start);
  }

  // ---- moving

  async next() {
    const { album } = this;
    if (album.at + 1 < album.ids.length) return this.go(album.at + 1);
    const answered = await album.more();
    if (album.at + 1 < album.ids.length) return this.go(album.at + 1);
    return this.tell(answered ? 'There is no further image just now.' : 'The server does not answer; the next image has to wait.');
  }

  async go(place) {
    const { album } = this;
    if (place < 0) return this.tell('This is the first image of this sitting.');
    if (place >= album.ids.length) return null;
    this.leave();
    album.at = place;
    const item = await album.item(album.id);
    if (album.at !== place) return null; // somebody pressed on in the meantime
    this.item = item ?? null;
    if (item === null) return this.retry('The server does not answer; the image comes when it does.', () => album.at === place && !this.item && this.go(place));
    if (!item) return this.stage.fail('This image is not in the project any more. Skip it with Enter.');
    this.#show();
    await album.lookAhead();
    return this.strip.draw(album.ids, album.at, album.items);
  }

  async goTo(image) { await this.go(this.album.insertNext(image)); }

  #follow(image) {
    if (image && image !== this.album.id) this.goTo(image);
  }

  #show() {
    const { item, album } = this;
    this.openedAt = new Date();
    this.seen = new Set();
    this.ready();
    this.stage.show(item);
    this.#banner();
    this.rows.ask(item.data.ask);
    this.finder.clear();
    this.rows.box.scrollTop = 0;
    if (scrollY) scrollTo(0, 0);
    this.focus = this.rows.visible[0] ?? null;
    this.strip.draw(album.ids, album.at, album.items);
    this.place.textContent = item.data.name;
    this.place.title = item.data.name;
    if (album.again !== null && album.at >= album.again) this.#tellAgain();
    history.replaceState(history.state, '', `#${item.id}`);
    album.remember();
    this.answering.shown();
    this.#fit();
    this.draw();
  }

  #tellAgain() {
    if (this.toldAgain === this.album.again) return;
    this.toldAgain = this.album.again;
    this.tell('Every image has been visited; they come round again.');
  }

  leave() {
    if (!this.item || !this.openedAt) return;
    this.queue.push('visit', {
      as: this.me, op: randomId(), image: this.item.id, shown: [...this.seen],
      opened_at: this.openedAt.toISOString(), closed_at: new Date().toISOString(),
    });
    this.openedAt = null;
  }

  // ---- what the server says

  newVersion(number) {
    if (!this.album || number === null) return;
    if (number !== this.album.version) {
      this.album.use(number);
      this.album.lookAhead();
    }
    this.#banner();
  }

  #banner() {
    const { item, album } = this;
    if (item && album.version !== null && item.version !== album.version) this.stage.announce(album.version);
    else this.stage.settle();
  }

  async refresh() {
    const { item } = this;
    if (!item) return null;
    if (item.version === this.album.version) return this.tell('This image shows the newest version already.');
    const got = await this.server.call('items', { ids: [item.id] });
    if (!got.ok || !got.items.length) return this.tell('The server does not answer; press M again in a moment.');
    item.adoptOpinion(got.items[0]);
    this.#banner();
    return this.draw();
  }

  // ---- drawing

  draw() {
    if (!this.item || !this.rows) return;
    this.rows.draw(this.item, this.focus);
    this.#look();
    this.strip.mark(this.album.items);
  }

  drawn() { return viewOf(this.rows.box, { above: this.stage.element, below: this.foot }); }

  // What is in view now: remembered for the visit, and counted on the button that accepts it.
  #look() {
    if (!this.item) return;
    for (const id of this.rows.categoriesIn(this.drawn())) this.seen.add(id);
    const accept = this.answering.acceptable().length;
    const rest = this.answering.sweepable().length;
    this.acceptButton.say(accept ? `Accept ${accept} suggested` : 'Nothing to accept');
    this.acceptButton.disabled = !accept;
    this.sweepButton.say(`Rest absent (${rest})`);
    this.sweepButton.disabled = !rest;
  }

  // The board takes what the page leaves below the status line.
  #fit() {
    const board = this.root.querySelector('.an-board');
    this.root.style.setProperty('--an-top', `${Math.round(board.getBoundingClientRect().top + scrollY)}px`);
    this.#look();
  }

  #setFocus(row) {
    this.focus = row;
    if (row) reveal(row.element, this.rows.box);
    this.draw();
  }

  #move(step) {
    const rows = this.rows.visible;
    if (!rows.length) return;
    const place = rows.indexOf(this.focus);
    this.#setFocus(rows[(place + step + rows.length) % rows.length]);
  }

  #nextSuggestion() {
    const rows = this.rows.visible;
    const start = rows.indexOf(this.focus);
    const round = [...rows.slice(start + 1), ...rows.slice(0, start + 1)];
    const found = round.find(({ category: { id } }) => this.item?.isOpen(id) && this.item.suggested.has(id));
    if (found) this.#setFocus(found);
    else this.tell('No open suggestion on this image.');
  }

  #pick(row, state) {
    this.#setFocus(row);
    this.answering.toggle(row.category.id, state);
  }

  #filter(text) {
    this.rows.filter(text);
    this.#setFocus(this.rows.bestMatch(text));
  }

  #leaveFinder() {
    const row = this.focus;
    this.rows.filter('');
    this.#setFocus(row);
  }

  // ---- keys

  key(event) {
    const digit = digitOf(event);
    if (digit >= 0) {
      const row = this.rows.askRows[digit]; // the category is fixed here, by what the row shows now
      if (row && this.item && !event.repeat) this.#pick(row, event.shiftKey ? 'absent' : 'present');
      return true;
    }
    const name = command(event);
    if (!name) return false;
    if (!event.repeat || REPEATABLE.includes(name)) this.#do(name);
    return true;
  }

  #do(name) {
    const id = this.item ? this.focus?.category.id : undefined;
    const { answering } = this;
    const acts = {
      accept: () => id && answering.answer(id, 'present'), reject: () => id && answering.answer(id, 'absent'),
      unsure: () => id && answering.answer(id, 'unsure'), cycle: () => id && answering.answer(id, CYCLE[this.item.state(id)]),
      acceptAll: () => answering.acceptAll(), sweep: () => answering.sweep(), undo: () => answering.undo(), redo: () => answering.redo(),
      next: () => this.next(), previous: () => this.go(this.album.at - 1), up: () => this.#move(-1), down: () => this.#move(1),
      nextSuggestion: () => this.#nextSuggestion(), refresh: () => this.refresh(),
      filter: () => this.finder.enter(), help: () => this.help.showModal(),
    };
    acts[name]();
  }

  // ---- telling

  confirmed(job, result) { confirmed(this, job, result); }

  refused(job, message) { refused(this, job, message); }

  fail(text) {
    this.item = null;
    this.stage.fail(text);
  }

  tell(text) { this.stage.tell(text); }
}
