// The Label page: one image, its categories, and the keys between them.

import { Album } from './album.js';
import { button, h, isInView, randomId, reveal } from './dom.js';
import { command, digitOf, listenToKeys } from './keys.js';
import { helpDialog, nameDialog } from './dialogs.js';
import { confirmed, refused } from './replies.js';
import { RowList } from './rows.js';
import { SaveQueue } from './queue.js';
import { Stage } from './stage.js';
import { Strip } from './strip.js';
import { Watch } from './watch.js';

export class Board {
  constructor(root, server) {
    Object.assign(this, { root, server, log: [], undone: [], focus: null });
    this.#build();
    this.begin();
  }

  #build() {
    this.stage = new Stage({ onBanner: () => this.refresh() });
    this.live = h('div', { class: 'an-spoken', 'aria-live': 'polite' });
    this.place = h('span', { class: 'an-place' });
    this.saved = h('span', { class: 'an-saved', role: 'status' });
    this.finder = h('input', { class: 'an-find', type: 'search', placeholder: 'Find a category  (F)', 'aria-label': 'Find a category' });
    this.who = h('button', { class: 'an-who', type: 'button', title: 'Change your name', onclick: () => this.askName() });
    this.help = helpDialog();
    this.name = nameDialog((name) => this.#named(name));
    this.right = h('section', { class: 'an-right', 'aria-label': 'Labels' });
    this.strip = new Strip((place) => this.go(place));
    this.acceptButton = button('Accept suggested', '⇧A', () => this.acceptAll(), 'primary');
    this.sweepButton = button('Rest absent', 'X', () => this.sweep());
    this.root.replaceChildren(h('div', { class: 'an-board' }, this.#left(), this.right), this.help, this.name.element, this.live);
    this.root.setAttribute('aria-busy', 'true');
    this.watch = new Watch(this.server, { onVersion: (n) => this.#newVersion(n) });
    this.root.firstChild.before(this.watch.element);
  }

  #left() {
    const bar = h('div', { class: 'an-bar' },
      button('Previous', '←', () => this.go(this.album.at - 1)), button('Next', '⏎', () => this.next()), this.place,
      h('span', { class: 'an-grow' }), this.saved, this.who,
      button('Undo', 'U', () => this.undo()), button('Redo', '⇧U', () => this.redo()),
      button('Help', '?', () => this.help.showModal()));
    return h('section', { class: 'an-left', 'aria-label': 'Image' }, this.stage.element, this.strip.element, bar);
  }

  async begin() {
    const start = await this.#start();
    if (start?.need_name) return this.askName();
    if (!start?.ok) return this.#retryLater(start?.message ?? 'The server does not answer; trying again ...');
    this.project = start.project;
    this.me = start.annotator;
    this.who.textContent = this.me;
    this.categories = start.categories;
    this.version = start.version;
    this.#prepare(start);
    if (!start.total) return this.#empty('This project has no images yet. Add some with: annotator images PROJECT add FOLDER');
    if (!start.categories.length) return this.#empty('This project has no categories yet. Add some with: annotator categories PROJECT add NAME');
    return this.#open(start.resume);
  }

  #prepare(start) {
    if (this.queue) return this.queue.resume();
    this.queue = new SaveQueue(this.server, start.project.key, {
      onState: (pending, fails) => this.#showSaved(pending, fails),
      onDone: (job, result) => confirmed(this, job, result),
      onRefused: (job, message) => refused(this, job, message),
      onStopped: (result) => (result.need_name ? this.askName() : this.tell(`${result.message} Reload the page.`)),
    });
    this.album = new Album(this.server, this.queue.tab);
    this.rows = new RowList(start.categories, { onPick: (row, state) => this.#pick(row, state) });
    this.right.replaceChildren(
      h('div', { class: 'an-bar' }, this.finder), this.rows.box,
      h('div', { class: 'an-bar an-foot' }, this.acceptButton, this.sweepButton));
    this.#listen();
    this.#showSaved(this.queue.pending, 0);
    return null;
  }

  #listen() {
    listenToKeys(this.root, (event) => this.#key(event));
    this.finder.addEventListener('input', () => this.#filter());
    this.finder.addEventListener('keydown', (event) => this.#findKey(event));
    this.rows.box.addEventListener('scroll', () => requestAnimationFrame(() => this.#count()), { passive: true });
    addEventListener('resize', () => this.#count());
    addEventListener('pagehide', () => this.#leave());
  }

  async #open(resume) {
    const wanted = Number(location.hash.slice(1)) || resume;
    if (!await this.album.open(wanted)) return this.#empty('Every image is on somebody else\'s screen just now. Try again in a moment.');
    this.root.removeAttribute('aria-busy');
    return this.go(0);
  }

  // ---- moving

  async next() {
    const { album } = this;
    if (album.at + 1 >= album.ids.length) await album.more();
    if (album.at + 1 < album.ids.length) return this.go(album.at + 1);
    return this.tell('There is no further image for you just now.');
  }

  async go(place) {
    const { album } = this;
    if (place < 0 || place >= album.ids.length) return;
    this.#leave();
    album.at = place;
    const { id } = album;
    const item = await album.item(id);
    if (album.at !== place) return; // somebody pressed on in the meantime
    this.item = item;
    if (!item) return this.stage.fail('This image is not in the project any more. Skip it with Enter.');
    this.#show();
    await album.lookAhead();
    this.strip.draw(album.ids, album.at, album.items);
  }

  #show() {
    const { item, album } = this;
    this.openedAt = new Date();
    this.stage.show(item);
    if (item.data.version === this.version) this.stage.settle();
    this.rows.ask(item.data.ask);
    this.finder.value = '';
    this.rows.filter('');
    this.rows.box.scrollTop = 0;
    this.focus = this.rows.visible[0] ?? null;
    this.strip.draw(album.ids, album.at, album.items);
    this.place.textContent = item.data.name;
    if (album.allVisited && album.at + 1 === album.ids.length) this.tell('Every image has been visited; they come round again.');
    history.replaceState(null, '', `#${item.id}`);
    this.seconds = performance.now();
    this.draw();
  }

  #leave() {
    if (!this.item || !this.openedAt) return;
    this.queue.push('visit', {
      as: this.me, op: randomId(), image: this.item.id, shown: this.categories.map((category) => category.id),
      opened_at: this.openedAt.toISOString(), closed_at: new Date().toISOString(),
    });
    this.openedAt = null;
  }

  // ---- answering

  #pick(row, state) {
    this.#setFocus(row);
    const now = this.item.state(row.category.id);
    this.answer(row.category.id, now === state ? 'cleared' : state);
  }

  answer(id, state) {
    if (!this.#mayAnswer()) return;
    const source = this.item.source(id, state);
    this.#commit('answer', [{ id, state, source }]);
    this.say(`${this.rows.byId.get(id).name} ${state}`);
  }

  acceptAll() {
    const ids = this.#acceptable();
    if (!ids.length || !this.#mayAnswer()) return this.tell('No suggestion is in view.');
    this.#commit('accept_all', ids.map((id) => ({ id, state: 'present', source: 'accepted_in_bulk' })));
    return this.say(`${ids.length} accepted`);
  }

  sweep() {
    const ids = this.#sweepable();
    if (!ids.length || !this.#mayAnswer()) return this.tell('Nothing is left open on this image.');
    this.#commit('sweep', ids.map((id) => ({ id, state: 'absent', source: 'swept' })));
    return this.tell(`${ids.length} marked absent. U takes it back.`);
  }

  #mayAnswer() { return Boolean(this.item) && !this.item.data.problem; }

  #commit(kind, changes) {
    const op = randomId();
    const ids = changes.map((change) => change.id);
    this.log.push({ image: this.item.id, before: this.item.snapshot(ids) });
    this.undone = [];
    const sent = this.item.apply(op, changes);
    const ms = Math.round(performance.now() - this.seconds);
    this.seconds = performance.now();
    this.queue.push('save', {
      as: this.me, op, kind, image: this.item.id, at: new Date().toISOString(), ms,
      version: this.item.data.version, changes: sent,
    });
    this.draw();
  }

  async undo() { await this.#backOrForth('undo', this.log, this.undone); }

  async redo() { await this.#backOrForth('redo', this.undone, this.log); }

  async #backOrForth(call, from, to) {
    const op = randomId();
    const step = from.pop();
    const item = step && this.album.items.get(step.image);
    if (item) {
      to.push({ image: step.image, before: item.snapshot(step.before.map(([id]) => id)) });
      item.putBack(op, step.before);
      if (item !== this.item) await this.goTo(step.image);
      this.draw();
    }
    this.queue.push(call, { as: this.me, op });
  }

  async goTo(image) {
    await this.go(this.album.insertNext(image));
  }

  // ---- what the server says

  #newVersion(number) {
    if (number === this.version) return;
    this.version = number;
    this.album.dropOthers();
    this.album.lookAhead();
    this.stage.announce(number);
  }

  async refresh() {
    this.stage.settle();
    const { item } = this;
    const got = await this.album.call('items', { ids: [item.id] });
    if (got?.items?.[0]) item.adoptOpinion(got.items[0]);
    this.draw();
  }

  // ---- drawing

  draw() {
    if (!this.item || !this.rows) return;
    for (const row of [...this.rows.askRows, ...this.rows.allRows]) row.draw(this.item.pair(row.category.id), row === this.focus);
    this.#count();
    this.strip.mark(this.album.items);
  }

  #count() {
    if (!this.item) return;
    const accept = this.#acceptable().length;
    const rest = this.#sweepable().length;
    this.acceptButton.say(accept ? `Accept ${accept} suggested` : 'Nothing suggested in view');
    this.acceptButton.disabled = !accept;
    this.sweepButton.say(`Rest absent (${rest})`);
    this.sweepButton.disabled = !rest;
  }

  #acceptable() {
    const seen = this.rows.visible.filter((row) => {
      const id = row.category.id;
      return this.item.isOpen(id) && this.item.suggested.has(id) && !this.item.ranked.has(id) && isInView(row.element, this.rows.box);
    });
    return [...new Set(seen.map((row) => row.category.id))];
  }

  #sweepable() {
    const rows = this.rows.allRows.filter((row) => !row.element.hidden);
    return rows.map((row) => row.category.id).filter((id) => this.item.state(id) === 'unknown');
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
    for (let step = 1; step <= rows.length; step += 1) {
      const row = rows[(start + step) % rows.length];
      const id = row.category.id;
      if (this.item.isOpen(id) && this.item.suggested.has(id)) return this.#setFocus(row);
    }
    return this.tell('No open suggestion on this image.');
  }

  // ---- keys

  #key(event) {
    if (!this.item) return false;
    const digit = digitOf(event);
    if (digit >= 0 && !event.ctrlKey && !event.metaKey) {
      const row = this.rows.askRows[digit];
      if (row && !event.repeat) this.#pick(row, event.shiftKey ? 'absent' : 'present');
      return true;
    }
    const name = command(event);
    if (!name) return false;
    const repeatable = ['up', 'down', 'next', 'previous'].includes(name);
    if (!event.repeat || repeatable) this.#do(name);
    return true;
  }

  #do(name) {
    const id = this.focus?.category.id;
    const cycle = { unknown: 'present', unsure: 'present', present: 'absent', absent: 'cleared', conflict: 'present' };
    const acts = {
      accept: () => id && this.answer(id, 'present'), reject: () => id && this.answer(id, 'absent'),
      unsure: () => id && this.answer(id, 'unsure'), cycle: () => id && this.answer(id, cycle[this.item.state(id)]),
      acceptAll: () => this.acceptAll(), sweep: () => this.sweep(), undo: () => this.undo(), redo: () => this.redo(),
      next: () => this.next(), previous: () => this.go(this.album.at - 1), up: () => this.#move(-1), down: () => this.#move(1),
      nextSuggestion: () => this.#nextSuggestion(), refresh: () => this.refresh(),
      filter: () => { this.finder.focus(); this.finder.select(); }, help: () => this.help.showModal(),
    };
    acts[name]();
  }

  #filter() {
    this.rows.filter(this.finder.value);
    this.#setFocus(this.rows.visible[0] ?? null);
  }

  #findKey(event) {
    const { key } = event;
    if (key === 'ArrowDown' || key === 'ArrowUp') this.#move(key === 'ArrowDown' ? 1 : -1);
    else if (key === 'Enter' && this.focus) {
      this.#pick(this.focus, event.shiftKey ? 'absent' : 'present');
      this.#leaveFinder();
    } else if (key === 'Escape') this.#leaveFinder();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  #leaveFinder() {
    const row = this.focus;
    this.finder.value = '';
    this.rows.filter('');
    this.finder.blur();
    this.#setFocus(row);
  }

  // ---- telling

  say(text) { this.live.textContent = text; }

  tell(text) { this.stage.tell(text); }

  #showSaved(pending, fails) {
    this.saved.textContent = fails ? `offline, ${pending} unsaved, retrying` : pending ? 'saving ...' : 'saved';
    this.saved.dataset.state = fails ? 'offline' : pending ? 'saving' : 'saved';
  }

  #empty(text) {
    this.root.removeAttribute('aria-busy');
    this.stage.fail(text);
  }

  #retryLater(text) {
    this.stage.fail(text);
    setTimeout(() => this.begin(), 2000);
  }

  askName() { this.name.open(this.me ?? ''); }

  #named(name) {
    this.me = name;
    this.begin();
  }

  async #start() {
    try {
      return await this.server.start({});
    } catch {
      return null; // the server is away
    }
  }
}
