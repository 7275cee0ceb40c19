// The Label page: one image, its categories, and the keys between them.

import { actsOf, mayRepeat } from './commands.js';
import { Album } from './album.js';
import { Answering } from './answering.js';
import { doneDialog, Hello } from '../shared/cards.js';
import { button, h, picture, reveal, viewOf } from '../shared/dom.js';
import { Evidence } from './evidence.js';
import { Finder } from './category_search.js';
import { Flagging } from './flag_dialog.js';
import { Going } from './open_image_dialog.js';
import { Hotkeys } from './category_hotkeys.js';
import { command, digitOf, HELP } from '../shared/keys.js';
import { confirmed, refused } from './replies.js';
import { ProbeTurn } from './probe_schedule.js';
import { RowList } from './category_list.js';
import { Screen } from '../shared/work_screen.js';
import { Stage } from './stage.js';
import { Strip } from './thumbnail_strip.js';
import { Telling } from './history_dialog.js';
import { Walk } from './navigation.js';

export class Board extends Screen {
  constructor(root, functions) {
    super(root, functions, { help: HELP });
    this.mount();
  }

  build() {
    Object.assign(this, { item: null, focus: null });
    this.stage = new Stage({
      onBanner: () => this.refresh(), onFlag: () => this.acts.flag(), onBroken: (reason) => this.#broken(reason),
    });
    this.place = h('span', { class: 'an-place' });
    this.hint = h('p', {
      class: 'an-hint', hidden: true, text: 'No suggestions yet. Say what you see in a few images: the trainer learns from that and suggests the rest.',
    });
    this.right = h('section', { class: 'an-right', 'aria-label': 'Labels' });
    this.strip = new Strip((place) => this.walk.go(place));
    this.hello = new Hello();
    this.#buildDialogs();
    return [h('div', { class: 'an-board' }, this.#left(), this.right),
      ...[this.flagging, this.going, this.telling, this.hotkeys, this.done].map(({ element }) => element)];
  }

  #buildDialogs() {
    const { server } = this;
    this.flagging = new Flagging(server, { onChange: (image, flags) => this.#flagged(image, flags) });
    this.going = new Going(server, { onPick: (image) => this.goTo(image) });
    this.telling = new Telling(server);
    this.done = doneDialog();
    this.evidence = new Evidence(server, { picture, onClose: () => this.draw() });
    this.hotkeys = new Hotkeys(server, this.stage.typed, {
      onPick: (id, state) => this.item && this.#pick(this.rows.rowOf(id), state), onKeys: (keys) => this.#takeKeys(keys),
    });
  }

  #left() {
    const { stage } = this;
    stage.view.append(this.evidence.overlay);
    stage.element.append(this.hello.element);
    const bar = h('div', { class: 'an-bar an-moves' },
      button('Previous', '←', () => this.walk.go(this.album.at - 1)), button('Next', '⏎', () => this.next()),
      button('Skip', 'P', () => this.walk.skip()), this.place,
      h('span', { class: 'an-grow' }), this.saved, this.who,
      button('Undo', 'U', () => this.answering.undo()), button('Redo', '⇧U', () => this.answering.redo()),
      button('Open', 'O', () => this.going.open()), button('Flag', 'G', () => this.acts.flag()),
      button('Help', '?', () => this.help.showModal()));
    return h('section', { class: 'an-left', 'aria-label': 'Image' }, stage.element, this.evidence.element, this.strip.element, bar);
  }

  #foot() {
    this.acceptButton = button('Accept suggested', '⇧A', () => this.answering.acceptAll(), 'primary');
    this.sweepButton = button('Rest absent', 'X', () => this.answering.sweep());
    this.finishButton = button('… and next', '⇧⏎', () => this.acts.finish(), 'an-finish');
    this.finishButton.title = 'The rest is absent, next image';
    const onPhones = button('Next', null, () => this.next(), 'an-phone'); // the other one is out of reach there
    return h('div', { class: 'an-bar an-foot' }, this.acceptButton, this.sweepButton, this.finishButton, onPhones);
  }

  #seek() {
    const why = button('Why?', 'E', () => this.toggleEvidence());
    why.title = 'Why is this suggested? (E)';
    return h('div', { class: 'an-seek' }, this.finder.element, why);
  }

  // ---- beginning

  prepare(start) {
    const { categories, project } = start;
    this.album = new Album(this.server, this.queue, `${project.key}:${this.me}`);
    this.album.parents = new Map(categories.filter(({ parents }) => parents?.length).map(({ id, parents }) => [id, parents]));
    this.album.use(start.version);
    this.walk = new Walk(this, this.album);
    this.answering = new Answering(this);
    this.rows = new RowList(categories, {
      onPick: (row, state) => this.#pick(row, state), onSweep: (group) => this.answering.sweep(group), onOpen: () => this.draw(),
    });
    this.hotkeys.take(categories);
    this.finder = new Finder({
      onText: (text) => this.#filter(text), onMove: (step) => this.move(step),
      onPick: (state) => this.#pickFound(state), onLeave: () => this.#leaveFinder(),
    });
    this.probes = new ProbeTurn(this, `${project.key}:${this.me}`);
    this.foot = this.#foot();
    this.right.replaceChildren(this.#seek(), this.hint, this.rows.box, this.foot);
    this.acts = actsOf(this);
    this.#listen();
  }

  #listen() {
    const look = () => this.#lookSoon();
    this.rows.box.addEventListener('scroll', look, { passive: true });
    addEventListener('scroll', look, { passive: true });
    addEventListener('resize', look);
    addEventListener('hashchange', () => this.#follow(Number(location.hash.slice(1))));
    new ResizeObserver(look).observe(this.watch.element);
  }

  async open(start) {
    if (!await this.album.open(Number(location.hash.slice(1)), start.resume)) {
      return this.retry('No image can be had just now; trying again.', () => this.open(start));
    }
    this.ready();
    this.hello.greet();
    return this.walk.go(this.album.start);
  }

  // ---- moving

  next() { return this.walk.next(); }

  goTo(image) { return this.walk.goTo(image); }

  // Called between two images; the next one waits for a promise that this returns.
  interlude() { return this.probes.turn(); }

  leave() { this.walk?.leave(); }

  #follow(image) {
    if (image && image !== this.album.id) this.goTo(image);
  }

  show() {
    const { item, album } = this;
    const { box } = this.rows;
    const from = { list: box.scrollTop, page: scrollY }; // asked first: later it would cost a layout
    this.ready();
    this.stage.show(item);
    this.stage.showFlags(item.flags);
    this.#banner();
    this.hotkeys.forget();
    this.finder.clear();
    this.rows.ask(item);
    this.caps.paint();
    if (from.list) box.scrollTop = 0;
    if (from.page) scrollTo(0, 0);
    this.focus = this.rows.visible[0] ?? null;
    this.last = this.focus;
    this.strip.draw(album.ids, album.at, album.items);
    this.hint.hidden = item.version !== null; // changed here only, so that no row moves under the hand
    this.place.textContent = item.data.name;
    this.place.title = item.data.name;
    history.replaceState(history.state, '', `${location.pathname}#${item.id}`);
    this.answering.shown();
    this.draw();
  }

  async allVisited() {
    await this.watch.look(); // its counts are a second old
    this.done.open(this.watch.state);
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

  #broken(reason) {
    if (this.item) this.item.data.problem = reason;
  }

  #flagged(image, flags) {
    const item = this.album.items.get(image);
    if (item) item.flags = flags;
    if (item === this.item) this.stage.showFlags(flags);
    this.strip.mark(this.album.items);
  }

  #takeKeys(keys) {
    this.rows.takeKeys(keys);
    this.hotkeys.take([...this.rows.byId.values()]);
    this.caps.paint();
  }

  // ---- drawing

  draw() {
    if (!this.item || !this.rows) return;
    this.rows.draw(this.item, this.focus);
    this.#lookSoon();
    this.strip.mark(this.album.items);
    this.stage.showClash(this.#clashes());
    if (this.evidence.open && this.focus) this.evidence.show({ image: this.item, category: this.focus.category });
  }

  #clashes() {
    const nameOf = (id) => this.rows.byId.get(id)?.name ?? 'a category';
    return this.item.contradictions.map(([child, parent]) => `${nameOf(child)} is present, but ${nameOf(parent)} is absent: change one of them.`).join(' ');
  }

  drawn() { return viewOf(this.rows.box, { above: this.stage.element, below: this.foot }); }

  // Where rows lie costs a layout, so it is asked once a frame, right before that is painted.
  #lookSoon() {
    this.looking ??= requestAnimationFrame(() => {
      this.looking = null;
      this.#fit();
      this.#look();
    });
  }

  // What is in view now: remembered for the visit, and counted on the button that accepts it.
  #look() {
    if (!this.item) return;
    for (const id of this.rows.categoriesIn(this.drawn())) this.walk.seen.add(id);
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
    const top = `${Math.round(board.getBoundingClientRect().top + scrollY)}px`;
    if (this.top !== top) this.root.style.setProperty('--an-top', top);
    this.top = top;
  }

  #setFocus(row) {
    this.focus = row;
    if (row) reveal(row.element, this.rows.box);
    this.draw();
  }

  move(step) {
    const rows = this.rows.visible;
    if (!rows.length) return;
    const place = rows.indexOf(this.focus);
    this.#setFocus(rows[(place + step + rows.length) % rows.length]);
    if (document.activeElement === this.finder.input) this.finder.aim(this.focus?.category.name);
  }

  nextSuggestion() {
    const rows = this.rows.visible;
    const start = rows.indexOf(this.focus);
    const round = [...rows.slice(start + 1), ...rows.slice(0, start + 1)];
    const found = round.find(({ category: { id } }) => this.item?.isOpen(id) && this.item.suggested.has(id));
    if (found) this.#setFocus(found);
    else this.tell('No open suggestion on this image.');
  }

  toggleGroups() {
    if (!this.item) return;
    this.rows.toggleGroups(this.item);
    if (!this.rows.visible.includes(this.focus)) this.focus = this.rows.visible[0] ?? null;
    this.#setFocus(this.focus);
  }

  toggleEvidence() {
    if (!this.item || !this.focus) return;
    if (this.evidence.open) this.evidence.hide();
    else this.evidence.show({ image: this.item, category: this.focus.category });
    this.#lookSoon();
  }

  // Esc closes one thing after the other.
  close() {
    if (this.hotkeys.forget() || this.hello.dismiss()) return;
    if (this.evidence.open) this.evidence.hide();
    else if (this.stage.zoom.isZoomed) this.stage.zoom.toggle();
  }

  // ---- answering

  #pick(row, state) {
    if (!row) return;
    this.last = row; // where a search that finds nothing goes back to
    this.#setFocus(row);
    this.answering.toggle(row.category.id, state);
  }

  // Returns what was said, for the line below the search field.
  #pickFound(state) {
    const { focus, item } = this;
    if (!focus || !item) return '';
    this.#pick(focus, state);
    const { id, name } = focus.category;
    return `${{ present: '✓', absent: '✕' }[item.state(id)] ?? '·'} ${name}`;
  }

  #filter(text) {
    this.rows.filter(text);
    this.#setFocus(text.trim() ? this.rows.foundRows[0] ?? null : this.last && this.rows.rowOf(this.last.category.id));
    this.finder.aim(text.trim() ? this.focus?.category.name : '');
  }

  #leaveFinder() {
    const row = this.focus ?? this.last;
    this.rows.filter('');
    this.#setFocus(row ? this.rows.rowOf(row.category.id) : this.rows.visible[0] ?? null);
  }

  // ---- keys

  key(event) {
    if (this.hotkeys.typed && !event.repeat && this.hotkeys.key(event)) return true;
    const digit = digitOf(event);
    if (digit >= 0) {
      const row = this.rows.askRows[digit]; // the category is fixed here, by what the row shows now
      if (row && this.item && !event.repeat) this.#pick(row, event.shiftKey ? 'absent' : 'present');
      return true;
    }
    const name = command(event);
    if (!name) return !event.repeat && Boolean(this.item) && this.hotkeys.key(event);
    if (!event.repeat || mayRepeat(name)) this.acts[name]();
    return true;
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
