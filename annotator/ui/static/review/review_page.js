// The Review page: answered pairs as cards, filtered, corrected in place or many at once.

import { button, h } from '../shared/dom.js';
import { CardList } from './card_list.js';
import { Desk } from './review_answers.js';
import { Filters } from './filters.js';
import { HELP, reviewCommand } from './review_keys.js';
import { Pair } from './pair.js';
import { Screen } from '../shared/work_screen.js';
import { Side } from './side_panel.js';

const PAGE = 60;
const NOTICE_MS = 6000;
const LEARNED = 'The model learned from nine in ten of these labels, so it has come to terms with many errors: what it still disagrees with deserves a look, and what it agrees with is not proven right.';
const ANSWERS = { present: ['Present', 'A'], absent: ['Absent', 'R'], unsure: ['Cannot tell', 'S'], cleared: ['Take mine off', 'C'] };

export class Review extends Screen {
  constructor(root, functions) {
    super(root, functions, { help: HELP });
    this.mount();
  }

  build() {
    Object.assign(this, { version: null, next: null, asked: 0 });
    this.filters = new Filters({ onChange: () => this.#changed(), onLeave: () => this.list.focusOn(this.list.focus) });
    this.list = new CardList({ onPick: (card, how) => this.#pick(card, how), onOpen: (card) => this.#open(card.pair) });
    this.side = new Side(this.server, { onResolve: (flag) => this.#resolve(flag) });
    this.count = h('span', { class: 'rv-count', role: 'status' });
    this.what = h('p', { class: 'rv-what', text: LEARNED, hidden: true });
    this.again = button('List anew', 'M', () => this.search());
    this.notice = h('div', { class: 'an-notice', role: 'status', hidden: true });
    const bar = h('div', { class: 'an-bar rv-top' }, this.count, h('span', { class: 'an-grow' }), this.again, this.saved, this.who,
      button('Undo', 'U', () => this.desk.undo()), button('Redo', '⇧U', () => this.desk.redo()),
      button('History', 'H', () => this.side.toggle()), button('Help', '?', () => this.help.showModal()));
    this.page = h('div', { class: 'rv-page' }, this.filters.element, bar, this.what,
      h('div', { class: 'rv-body' }, this.list.box, this.side.element), this.#foot(), this.notice);
    return [this.page];
  }

  #foot() {
    this.chosen = h('span', { class: 'rv-chosen' });
    this.buttons = Object.entries(ANSWERS).map(([state, [label, key]]) => [state, button(label, key, () => this.desk.answer(state))]);
    this.decide = h('input', { type: 'checkbox', onchange: () => { this.desk.decides = this.decide.checked; this.draw(); this.decide.blur(); } });
    this.decides = h('label', { class: 'rv-decide', title: 'An answer of a reviewer settles what people disagree about.' },
      this.decide, h('span', { text: 'My answers decide conflicts' }), h('kbd', { text: 'D', 'aria-hidden': 'true' }));
    return h('div', { class: 'an-bar an-foot rv-foot' }, ...this.buttons.map(([, element]) => element), this.decides, this.chosen);
  }

  // ---- beginning

  prepare(start) {
    this.reviewer = start.reviewer;
    this.names = new Map(start.categories.map(({ id, name }) => [id, name]));
    this.desk = new Desk(this);
    this.filters.build(start);
    this.side.know(start.categories);
    if (this.reviewer) this.decides.replaceChildren(h('span', { text: 'You are a reviewer: your answers decide.' }));
    this.list.box.addEventListener('scroll', () => this.#near(), { passive: true });
    addEventListener('scroll', () => this.#near(), { passive: true });
    addEventListener('resize', () => this.#fit());
    new ResizeObserver(() => this.#fit()).observe(this.watch.element);
    addEventListener('hashchange', () => this.#follow());
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

  // Back, forward or a link: the filters are what the address says.
  #follow() {
    this.filters.fromHash(location.hash);
    this.search();
  }

  async search() {
    const asked = ++this.asked; // only the newest question is answered
    this.root.setAttribute('aria-busy', 'true');
    this.next = null;
    const filters = this.filters.values;
    const got = await this.server.call('search', { filters, count: PAGE });
    if (asked !== this.asked) return null;
    if (got.away || got.again) return this.retry(got.message ?? 'The server does not answer; trying again.', () => (asked === this.asked ? this.search() : null));
    this.ready();
    this.list.clear();
    if (!got.ok) return this.list.say(h('p', { text: got.message }));
    this.version = got.version;
    this.listed = filters;
    this.filters.count({ conflicts: got.conflicts, flags: got.flagged });
    this.#take(got);
    this.total = got.total;
    if (!got.total) this.#nothing(filters, got);
    this.#fit();
    this.#setFocus(this.list.focus, false);
    return this.#near();
  }

  #take(got) {
    this.next = got.next;
    this.list.add(got.pairs.map((row) => this.#pair(row)));
  }

  #pair(row) {
    const pair = new Pair(row, this.names.get(row.category) ?? '');
    for (const job of this.queue.jobs) {
      const mine = job.call === 'save' && job.data.changes?.find(({ image, category }) => image === row.image && category === row.category);
      if (mine) Object.assign(pair, { row: pair.after(this.me, mine.state, mine.source), pending: job.data.op });
    }
    return pair;
  }

  // The next pairs come before the last card is reached.
  async #near() {
    const { box } = this.list;
    const own = box.scrollHeight > box.clientHeight + 1;
    const left = own ? box.scrollHeight - box.scrollTop - box.clientHeight : box.getBoundingClientRect().bottom - innerHeight;
    const isLast = this.list.at >= this.list.cards.length - 2 * this.list.columns;
    if (!this.next || this.loading || (left > 600 && !isLast)) return;
    this.loading = true;
    const asked = this.asked;
    const got = await this.server.call('search', { filters: this.listed, after: this.next, count: PAGE });
    this.loading = false;
    if (!got.ok || asked !== this.asked) return;
    this.#take(got);
    this.draw();
    this.#near();
  }

  #nothing({ show }, { version }) {
    const { narrowing } = this.filters;
    const text = {
      errors: version === null ? 'There is no version yet that could disagree with a label. The first one comes after some answers; see the Train page.' : 'The model disagrees with no label here.',
      conflicts: 'People agree everywhere they overlap.', flags: 'No image is flagged.', all: 'Nothing is answered yet. Begin on the Label page.',
    }[show];
    if (narrowing.length) {
      const loosen = narrowing.map(([name, label, value]) => button(`${label}: ${value} ✕`, null, () => this.filters.clear(name)));
      return this.list.say(h('p', { text: show === 'errors' && version === null ? text : 'Nothing fits these filters. Loosen one:' }), h('div', { class: 'an-bar rv-loosen' }, ...loosen));
    }
    const rest = show === 'all' ? [] : [button('Show all answers', null, () => this.filters.show('all'), 'primary')];
    return this.list.say(h('p', { text }), ...rest);
  }

  newVersion(number) {
    if (this.listed && number !== this.version && number !== this.told && number !== null) {
      this.told = number;
      this.tell(`Version ${number} is ready. M lists anew with it.`);
    }
  }

  // ---- drawing

  draw() {
    const { list, desk } = this;
    if (!desk) return;
    list.draw();
    this.side.draw();
    const { selected } = list;
    const pairs = selected.length ? selected : [list.focus?.pair].filter((pair) => pair?.isPair);
    for (const [state, element] of this.buttons) {
      const changes = desk.changing(pairs, state).length;
      element.say(selected.length ? `${ANSWERS[state][0]} (${changes})` : ANSWERS[state][0]);
      element.disabled = selected.length ? !changes : !pairs.length;
      element.title = selected.length ? `changes ${changes} of ${selected.length} selected` : '';
    }
    this.chosen.textContent = selected.length ? `${selected.length} selected; the keys say how many they change. Esc selects none.` : '';
    this.decides.hidden = !this.reviewer && !desk.decides && !list.pairs.some(({ state }) => state === 'conflict');
    this.what.hidden = this.listed?.show !== 'errors' || !this.total;
    const number = (n) => Number(n).toLocaleString('en');
    const about = { errors: ' that the model disagrees with, the strongest first', conflicts: ' people disagree about', flags: '' }[this.listed?.show] ?? '';
    const isOne = this.total === 1;
    const isFlags = this.listed?.show === 'flags' && !list.focus?.pair.isPair;
    const things = isFlags ? `flagged image${isOne ? '' : 's'}` : `pair${isOne ? '' : 's'}${about}`;
    this.count.textContent = this.listed ? `${number(this.total ?? 0)} ${things}` : '';
  }

  // The page takes what the window leaves below the status line.
  #fit() {
    this.root.style.setProperty('--an-top', `${Math.round(this.page.getBoundingClientRect().top + scrollY)}px`);
  }

  #setFocus(card, grab = true) {
    if (grab) this.list.focusOn(card);
    else this.list.focus = card;
    this.side.show(card?.pair ?? null);
    this.draw();
    this.#near();
  }

  // ---- moving and selecting

  #pick(card, { toggle, extend }) {
    if (extend) this.list.extend(this.list.cards.indexOf(card));
    else if (toggle) this.list.toggle(card);
    this.#setFocus(card);
  }

  #move(direction, extend) {
    const { list } = this;
    if (!list.cards.length) return;
    const place = list.place(direction);
    if (extend) list.extend(place);
    else list.anchor = null;
    this.#setFocus(list.cards[place]);
  }

  #open(pair) { if (pair) location.assign(`/#${pair.row.image}`); }

  // ---- keys

  key(event) {
    const act = reviewCommand(event);
    if (!act) return false;
    if (event.target instanceof Element && event.target.matches('input[type=checkbox]') && event.key === ' ') return false;
    this.#do(act);
    return true;
  }

  #do(act) {
    const { list, desk } = this;
    if (ANSWERS[act]) return desk.answer(act);
    const extended = /^extend(.+)$/.exec(act)?.[1].toLowerCase();
    if (extended) return this.#move(extended, true);
    if (['left', 'right', 'up', 'down', 'first', 'last'].includes(act)) return this.#move(act, false);
    const acts = {
      nothing: () => {}, select: () => { if (list.focus) list.toggle(list.focus); }, selectAll: () => list.selectAll(true), selectNone: () => list.selectAll(false),
      undo: () => desk.undo(), redo: () => desk.redo(), decide: () => this.#decide(), filters: () => this.filters.enter(),
      history: () => this.say(this.side.toggle() ? 'history shown' : 'history hidden'), open: () => this.#open(list.focus?.pair),
      resolve: () => this.#resolve(list.focus?.pair.row.flags[0]?.id), again: () => this.search(), help: () => this.help.showModal(),
    };
    acts[act]();
    return this.draw();
  }

  #decide() {
    if (this.reviewer) return this.tell('You are a reviewer: your answers decide already.');
    this.desk.decides = !this.desk.decides;
    this.decide.checked = this.desk.decides;
    return this.tell(this.desk.decides ? 'Your answers now decide conflicts.' : 'Your answers now count as one opinion.');
  }

  async #resolve(flag) {
    if (!flag) return this.tell('This image has no flag.');
    const got = await this.server.call('resolve_flag', { flag });
    if (!got.ok) return this.tell(got.message ?? 'The server does not answer; press G again in a moment.');
    for (const pair of this.list.pairs) if (pair.row.image === got.image) pair.row = { ...pair.row, flags: got.flags };
    this.tell('The flag is off.');
    return this.draw();
  }

  // ---- what the server says

  async confirmed(job, result) {
    if (['visit', 'probe_answer'].includes(job.call)) return; // left behind by another page
    const pairs = this.desk.settle(job, result.images);
    if (job.call !== 'save') this.#takenBack(job, result, pairs);
    if (result.late?.length) this.tell('Somebody answered in the meantime; that answer stands, yours is kept beside it.');
    if (result.left_out?.length) this.tell(`${result.left_out.length} were put aside: ${result.left_out[0][1]}`);
    await this.#look(pairs);
  }

  #takenBack(job, result, pairs) {
    const images = Object.keys(result.images ?? {}).length;
    if (result.nothing) this.tell(`There is nothing to ${job.call}.`);
    else if (images && !pairs.length) this.tell(`${job.call === 'undo' ? 'Taken back' : 'Done again'}: answers about ${images} other image${images > 1 ? 's' : ''}.`);
  }

  async refused(job, message) {
    if (job.call === 'visit') return;
    this.tell(message);
    await this.#look(this.desk.settle(job));
  }

  async #look(pairs) {
    for (let first = 0; first < pairs.length; first += PAGE) {
      const part = pairs.slice(first, first + PAGE);
      const got = await this.server.call('rows', { pairs: part.map(({ row }) => ({ image: row.image, category: row.category })) });
      for (const row of got.pairs ?? []) this.list.find(`${row.image}:${row.category}`)?.take(row);
    }
    if (pairs.includes(this.side.pair)) this.side.look();
    this.draw();
  }

  // ---- telling

  fail(text) {
    this.list.clear();
    this.list.say(h('p', { text }));
  }

  tell(text) {
    this.notice.textContent = text;
    this.notice.hidden = false;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => { this.notice.hidden = true; }, NOTICE_MS);
  }
}
