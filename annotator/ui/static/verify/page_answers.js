// What the annotator does with a page of the grid: mark, save, take back, bring back.

import { randomId } from '../shared/dom.js';
import { pause } from '../shared/server.js';

const TOO_FAST_MS = 800;
const COMMIT_MS = 1000; // so long the next page waits for the first example to be saved
const TURN = new Map([[undefined, 'present'], ['present', 'absent'], ['absent', null], ['unsure', 'present']]);
const BLIND = ['diversity', 'files']; // orders that the first example changes

export class Pages {
  constructor(screen) {
    this.screen = screen;
    this.done = screen.supply.recall();
    this.undone = [];
  }

  // ---- marking

  // With a guess: present or absent. Without one: not marked, present, absent in turn.
  flip(item) {
    const { states, rest } = this.screen.page;
    const state = states.get(item.id);
    if (item.guess || rest.has(item.id)) this.mark(item, state === 'present' ? 'absent' : 'present');
    else this.mark(item, TURN.get(state));
  }

  // The same mark again takes it back to what it was.
  mark(item, state) {
    if (!item) return;
    const { page } = this.screen;
    if (state === 'unsure' && page.states.get(item.id) === 'unsure') this.#set(item, item.guess ?? null, false);
    else this.#set(item, state, state !== null);
    this.screen.draw();
    this.screen.say(`${item.name}: ${this.worded(item)}`);
  }

  all(state) {
    const { page } = this.screen;
    if (!page) return;
    for (const item of page.items) if (page.states.get(item.id) !== state) this.#set(item, state, true);
    this.screen.draw();
    this.screen.say(`All ${state}`);
  }

  markRest(items) {
    for (const item of items) this.#set(item, 'absent', false);
    for (const { id } of items) this.screen.page.rest.add(id);
  }

  unmark(items) { for (const item of items) this.#set(item, null, false); }

  #set(item, state, byHand) {
    const { states, touched, rest } = this.screen.page;
    rest.delete(item.id);
    if (state) states.set(item.id, state); else states.delete(item.id);
    if (byHand) touched.add(item.id); else touched.delete(item.id);
  }

  worded(item) {
    const { states } = this.screen.page;
    return { present: 'present', absent: 'absent', unsure: 'cannot tell' }[states.get(item.id)] ?? 'not marked';
  }

  tally() {
    const { items, states } = this.screen.page;
    const count = (state) => items.filter(({ id }) => states.get(id) === state).length;
    const [present, absent, unsure] = [count('present'), count('absent'), count('unsure')];
    return { present, absent, unsure, open: items.length - present - absent - unsure, all: present + absent + unsure };
  }

  // ---- saving

  async commit({ isRestAbsent = false } = {}) {
    const { screen } = this;
    const { page, grid, supply } = screen;
    if (!page?.items.length) return;
    const now = performance.now();
    if (now - page.since < TOO_FAST_MS && !page.warned) {
      page.warned = true;
      screen.tell(`Look first: ${isRestAbsent ? 'Shift+Enter' : 'Enter'} again to save.`);
      return;
    }
    if (isRestAbsent) this.markRest(screen.rest.items());
    const { seen, unseen } = grid.split();
    const marked = ({ id }) => page.states.has(id);
    if (!seen.length) {
      screen.tell('No picture has been in view yet, so nothing was saved.');
      return;
    }
    for (const item of seen) if (!marked(item)) supply.passed.add(item.id);
    const saved = seen.filter(marked);
    if (saved.length) this.#push(page, saved, Math.round(now - page.since));
    screen.tell(said(saved.length, unseen.filter(marked).length));
    if (BLIND.includes(page.basis) && saved.some(({ id }) => page.states.get(id) === 'present')) await this.#findLike();
    await screen.next();
  }

  #push(page, items, ms) {
    const { screen } = this;
    const op = randomId();
    const { category, mode } = page.about;
    screen.queue.push('save', {
      as: screen.me, op, kind: 'page', category, mode, version: page.version, at: new Date().toISOString(), ms,
      changes: items.map((item) => ({
        image: item.id, category, state: page.states.get(item.id), score: page.bulk ? item.score : null, seen: null,
        source: sourceOf(page, item.id), after: page.after.get(item.id) ?? screen.queue.blind,
      })),
    });
    const entry = { op, page, ids: items.map(({ id }) => id) };
    this.done.push(entry);
    this.undone = [];
    screen.supply.beside.settle(category, entry.ids);
    this.#count(entry, -1);
    this.remember();
  }

  // The first example is there: from now on the pages go by likeness, once the server has it.
  async #findLike() {
    const { queue, supply } = this.screen;
    supply.drop();
    const until = performance.now() + COMMIT_MS;
    while (queue.pending && performance.now() < until) await pause(20);
  }

  #count({ page, ids }, step) {
    const { category, mode } = page.about;
    const decided = ids.filter((id) => ['present', 'absent'].includes(page.states.get(id)));
    const present = decided.filter((id) => page.states.get(id) === 'present').length;
    this.screen.picker.move(category, {
      open: step * decided.length, present: -step * present,
      suggested: mode === 'confirm' ? step * decided.length : 0, uncertain: mode === 'uncertain' ? step * decided.length : 0,
    });
  }

  // ---- back and forth

  undo() {
    const { screen } = this;
    const { page: current, supply } = screen;
    const op = randomId();
    const entry = this.done.pop();
    screen.queue.push('undo', { as: screen.me, op }, entry ? { target: entry.op } : {});
    if (!entry) return;
    const { page, ids } = entry;
    for (const id of ids) page.after.set(id, op);
    this.undone.push({ ...entry, states: new Map(page.states), touched: new Set(page.touched), rest: new Set(page.rest) });
    this.#count(entry, 1);
    if (!isSame(page.about, supply.about)) {
      supply.use(page.about, supply.count);
      screen.wanted = page.about.mode;
    } else if (current?.items.length) supply.putBack(current);
    this.remember();
    screen.show(page);
    screen.tell(`${ids.length} answers taken back.`);
  }

  async redo() {
    const { screen } = this;
    const op = randomId();
    const entry = this.undone.pop();
    screen.queue.push('redo', { as: screen.me, op }, entry ? { target: entry.op } : {});
    if (!entry) return;
    Object.assign(entry.page, { states: entry.states, touched: entry.touched, rest: entry.rest });
    for (const id of entry.ids) entry.page.after.set(id, op);
    this.done.push(entry);
    this.#count(entry, -1);
    this.remember();
    screen.tell(`${entry.ids.length} answers brought back.`);
    if (screen.page === entry.page) await screen.next();
  }

  remember() { this.screen.supply.remember(this.done); }

  // ---- what the server says

  confirmed(job, result) {
    const { screen } = this;
    if (['visit', 'probe_answer'].includes(job.call)) return; // left behind by another page
    if (job.call === 'save') {
      if (result.late?.length) screen.tell(`Others answered ${result.late.length} of these in the meantime; their answers stand, yours are kept beside them.`);
      else if (result.left_out?.length) screen.tell(`${result.left_out.length} were put aside: ${result.left_out[0][1]}`);
    } else if (result.nothing) screen.tell(`There is nothing to ${job.call}.`);
    else if (!job.target || !this.#isAbout(job.target, result)) this.#elsewhere(job, result);
  }

  // Whether the server took back the page that was shown again.
  #isAbout(op, { images }) {
    const entry = [...this.undone, ...this.done].find((each) => each.op === op);
    return !entry || entry.ids.some((id) => String(id) in (images ?? {}));
  }

  // Something that this tab does not know: of another page, another tab, or of yesterday.
  #elsewhere(job, { images }) {
    const { screen } = this;
    const pairs = Object.values(images ?? {}).reduce((sum, row) => sum + Object.keys(row).length, 0);
    screen.tell(`${pairs} ${pairs === 1 ? 'answer' : 'answers'} ${job.call === 'undo' ? 'taken back' : 'brought back'} that this page did not show.`);
    if (job.adopted || !screen.page) return;
    this.undone = [];
    screen.go(screen.page.about);
  }
}

const isSame = (one, other) => one.category === other?.category && one.mode === other.mode && one.like === other.like;

function sourceOf({ touched, rest }, id) {
  if (touched.has(id)) return 'human';
  return rest.has(id) ? 'swept' : 'accepted_in_bulk';
}

function said(saved, unseen) {
  if (unseen) return `${saved} of ${saved + unseen} saved; ${unseen} ${unseen === 1 ? 'was' : 'were'} not in view and ${unseen === 1 ? 'comes' : 'come'} back.`;
  return saved ? `${saved} saved. U takes them back.` : 'Nothing was marked; these stay open.';
}
