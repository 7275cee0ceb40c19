// What the Verify page is about: the page of images on the screen, how it is marked, what was saved,
// and what the server says to that. All of it changes through these methods only; the screen draws
// what it reads here.

import { randomId } from '../shared/dom.js';
import { lateText } from '../shared/late_answers.js';
import { pause } from '../shared/server.js';
import { saidBy, stepText } from '../shared/step_text.js';
import { savedText } from './texts.js';

/** @import { Decision, GridItem, Mode } from '../shared/wire.d.ts' */
/** @import { Done, Job, SaveQueue } from '../shared/save_queue.js' */
/** @import { Server } from '../shared/server.js' */
/** @import { UndoGuard } from '../shared/undo_guard.js' */
/** @import { CategoryOrder } from './category_order.js' */
/** @import { About, ImagePage, Mark, Marks } from './image_page.js' */
/** @import { PageSupply, SavedPage } from './page_supply.js' */

/** @typedef {{ seen: GridItem[], unseen: GridItem[] }} Seen which images have been in view */
/**
 * @typedef {object} View what the screen does when something has changed
 * @property {() => boolean} takeCategories true if the page shows other categories from now on
 * @property {() => void} showLoading a page is on its way
 * @property {(about: About) => void} showAbout another category or mode
 * @property {() => void} showPage another page is on the screen
 * @property {() => Promise<void>} settled resolves when all its images are there
 * @property {() => void} draw something has changed
 * @property {(text: string) => void} fail there is no page, for this reason
 * @property {(text: string, again: () => unknown) => Promise<unknown>} retry the same, and it is tried again
 * @property {() => boolean} takesCommit the page has been seen long enough for keys that save it
 * @property {(text: string) => void} notify what came of the last key
 * @property {(text: string, subject?: string) => void} tell what has happened besides
 * @property {(text: string) => void} say for screen readers
 */

const UNDOABLE = 30; // pages that undo shows again; of older ones the server says what they were
const COMMIT_MS = 1000; // so long the next page waits for the first example to be saved
const WITHOUT_EXAMPLE = ['predictors', 'diversity', 'files']; // orders that the first example changes

export class VerifyState {
  /** @type {ImagePage | null} */
  #page = null;

  /** @type {Mode} */
  #mode = 'confirm'; // that was chosen, also where a category does not have it

  isRefused = false; // there is no page of this category and mode

  #steps = 0;

  #size; // images of a page

  /** @type {SavedPage[]} */
  #done;

  /** @type {(SavedPage & { marks: Marks })[]} */
  #undone = [];

  /**
   * @param {{ server: Server, queue: SaveQueue, guard: UndoGuard, names: Map<number, string>, supply: PageSupply, order: CategoryOrder, me: string, version: number | null }} parts
   * @param {View} view
   */
  constructor({ server, queue, guard, names, supply, order, me, version }, view) {
    this.server = server;
    this.queue = queue;
    this.guard = guard;
    this.names = names;
    this.supply = supply;
    this.order = order;
    this.me = me;
    this.version = version;
    this.view = view;
    this.#done = supply.recall();
    this.#size = supply.count;
  }

  // The page on the screen, null while none is.
  get page() { return this.#page; }

  // ---- from page to page

  // A category that the model does not know yet has one mode only; without a mode it has the last that was chosen.
  /** @param {number} category @param {Mode} [mode] @param {number | null} [like] */
  start(category, mode, like = null) {
    this.#mode = mode ?? this.#mode;
    const usual = this.order.modeFor(category, this.#mode);
    return this.go({ category, mode: mode && this.order.isTaught(category) ? mode : usual, like });
  }

  // So many images a page, from the next one on that is loaded.
  /** @param {number} count */
  resize(count) {
    this.#size = count;
    if (this.#page) this.go(this.#page.about);
  }

  // Another category, mode or number of images: what was loaded for the old one is of no use.
  /** @param {About} about */
  async go(about) {
    if (this.#page?.items.length && this.#page.about !== about) this.supply.leave(this.#page);
    this.supply.use(about, this.#size);
    this.view.showAbout(about);
    this.#page = null;
    await this.next();
  }

  /** @returns {Promise<void>} */
  async next() {
    const { supply, view } = this;
    if (view.takeCategories() && !this.order.byId.has(supply.about?.category ?? 0)) {
      await this.start(this.order.ids[0]); // what it was about is archived
      return;
    }
    this.#steps += 1;
    const step = this.#steps;
    view.showLoading();
    const page = await supply.next();
    if (page === undefined) return;
    if (page === null) {
      this.#page = null;
      await view.retry('The server does not answer; the next page comes when it does.', () => (this.#page === null ? this.next() : null));
    } else if (page.refusal) this.#refuse(page.refusal);
    else {
      this.#show(page);
      await view.settled();
      if (step !== this.#steps || page !== this.#page) return; // somebody has gone on
      await supply.prepare(page, () => this.#replace(page));
      await supply.prefetch(this.order.near(page.about, this.#mode));
    }
  }

  /** @param {string} reason */
  #refuse(reason) {
    this.#page = null;
    this.isRefused = true;
    this.view.fail(reason);
  }

  /** @param {ImagePage} page */
  #show(page) {
    this.#page = page;
    this.isRefused = false;
    page.since = performance.now();
    page.isCommitted = false;
    this.view.showPage();
  }

  // Others were quicker with some of a page that was loaded long ago.
  /** @param {ImagePage} page */
  #replace(page) {
    if (page !== this.#page || page.isTouched) return; // whoever has begun is told when it is saved
    this.go(page.about);
  }

  // ---- marking

  /** @param {GridItem} item */
  flip(item) {
    this.#page?.flip(item);
    this.#sayMark(item);
  }

  /** @param {GridItem | null} item @param {Mark} state */
  mark(item, state) {
    if (!item) return;
    this.#page?.mark(item, state);
    this.#sayMark(item);
  }

  /** @param {GridItem} item */
  #sayMark(item) {
    this.view.draw();
    this.view.say(`${item.name}: ${this.#page?.text(item)}`);
  }

  /** @param {Decision} state */
  markAll(state) {
    if (!this.#page) return;
    this.#page.markAll(state);
    this.view.draw();
    this.view.say(`All ${state}`);
  }

  // "Rest absent" is offered where the model guesses nothing: all that was looked at and is not
  // marked is absent. Where it guesses, its guess decides the rest.
  get offersRest() { return Boolean(this.#page?.items.length) && !this.#page?.bulk; }

  // Loaded, in view, and not marked.
  /** @param {Seen} seen */
  rest({ seen }) { return this.offersRest ? seen.filter((item) => !this.#page?.isMarked(item)) : []; }

  get markedAsRest() { return this.#page?.items.filter(({ id }) => this.#page?.rest.has(id)) ?? []; }

  // What is left becomes absent; once nothing is left, it is open again.
  /** @param {Seen} seen */
  toggleRest(seen) {
    if (!this.#mayRest() || !this.#page) return;
    const [left, marked] = [this.rest(seen), this.markedAsRest];
    if (left.length) this.#page.markRest(left);
    else this.#page.unmark(marked);
    this.view.draw();
    if (left.length) this.view.say(`${left.length} marked absent`);
    else if (marked.length) this.view.say(`${marked.length} open again`);
    else this.view.notify('Nothing that was in view is left to mark.');
  }

  #mayRest() {
    const page = this.#page;
    if (page?.items.length && page.bulk) this.view.notify('The model has a guess for the rest; press Enter to save it as shown.');
    return this.offersRest;
  }

  // ---- saving

  // Mark the rest absent, save, next page.
  /** @param {Seen} seen */
  finish(seen) { return this.#mayRest() ? this.commit(seen, true) : null; }

  /** @param {Seen} seen */
  async commit({ seen, unseen }, isRestAbsent = false) {
    const { supply, view } = this;
    const page = this.#page;
    if (!page?.items.length || page.isCommitted) return;
    if (!view.takesCommit()) return;
    if (isRestAbsent) page.markRest(this.rest({ seen, unseen }));
    if (!seen.length) {
      view.notify('No image has been in view yet, so nothing was saved.');
      return;
    }
    page.isCommitted = true;
    supply.pass(seen.filter((item) => !page.isMarked(item)));
    const saved = seen.filter((item) => page.isMarked(item));
    if (saved.length) this.#push(page, saved, Math.round(performance.now() - page.since));
    view.notify(savedText(saved.length, unseen.filter((item) => page.isMarked(item)).length));
    if (WITHOUT_EXAMPLE.includes(page.basis) && saved.some(({ id }) => page.states.get(id) === 'present')) await this.#useExample();
    await this.next();
  }

  /** @param {ImagePage} page @param {GridItem[]} items @param {number} ms */
  #push(page, items, ms) {
    const { queue } = this;
    const op = randomId();
    const { category, mode } = page.about;
    const changes = items.map((item) => ({
      image: item.id, category, state: /** @type {Mark} */ (page.states.get(item.id)), score: page.bulk ? item.score : null, seen: item.answer ?? null,
      source: page.source(item.id), after: page.after.get(item.id) ?? queue.untargeted,
    }));
    queue.push('save', { as: this.me, op, kind: 'page', category, mode, version: page.version, at: new Date().toISOString(), ms, changes });
    this.guard.did(op);
    const entry = { op, at: Date.now(), text: stepText(saidBy({ changes }, items[0].name, this.names)), page, ids: items.map(({ id }) => id) };
    this.#done = [...this.#done, entry].slice(-UNDOABLE);
    this.#undone = [];
    this.supply.cache.settle(category, entry.ids);
    this.#count(entry, -1);
    this.remember();
  }

  // The first example is there: from now on the pages go by likeness, once the server has it.
  async #useExample() {
    this.supply.drop();
    const until = performance.now() + COMMIT_MS;
    while (this.queue.pending && performance.now() < until) await pause(20);
  }

  /** @param {SavedPage} entry @param {number} step */
  #count({ page, ids }, step) {
    const { category, mode } = page.about;
    const again = new Set(page.items.flatMap(({ id, answer }) => (answer ? id : []))); // attention checks are no open pairs
    const decided = ids.filter((id) => ['present', 'absent'].includes(page.states.get(id) ?? '') && !again.has(id));
    const present = decided.filter((id) => page.states.get(id) === 'present').length;
    this.order.move(category, {
      open: step * decided.length, present: -step * present,
      suggested: mode === 'confirm' ? step * decided.length : 0, uncertain: mode === 'uncertain' ? step * decided.length : 0,
    });
    this.view.draw();
  }

  // ---- undo and redo

  async undo() {
    const { supply } = this;
    const entry = await this.#takeBack('undo', this.#done);
    if (!entry) return;
    const { page } = entry;
    this.#undone.push({ ...entry, at: Date.now(), marks: page.marks });
    this.#count(entry, 1);
    if (!isSame(page.about, supply.about)) {
      supply.use(page.about, supply.count);
      this.#mode = page.about.mode;
    } else if (this.#page?.items.length) supply.putBack(this.#page);
    this.remember();
    this.#show(page);
  }

  async redo() {
    const entry = await this.#takeBack('redo', this.#undone);
    if (!entry) return;
    entry.page.marks = entry.marks;
    entry.page.isCommitted = true; // the next one is on its way
    this.#done.push({ ...entry, at: Date.now() });
    this.#count(entry, -1);
    this.remember();
    if (this.#page === entry.page) await this.next();
  }

  // The page that it is about, if this tab has it.
  /** @template {SavedPage} T @param {'undo' | 'redo'} call @param {T[]} from @returns {Promise<T | undefined>} */
  async #takeBack(call, from) {
    const chosen = await this.guard.choose(call, from.at(-1));
    if (!chosen) return undefined;
    const op = randomId();
    const entry = from.at(-1)?.op === chosen.op ? from.pop() : undefined;
    this.queue.push(call, { as: this.me, op }, entry ? { target: chosen.op } : { meant: chosen.op });
    this.guard.sendRest(call, chosen);
    for (const id of entry?.ids ?? []) entry?.page.after.set(id, op);
    this.view.notify(`${call === 'undo' ? 'Undone' : 'Redone'}: ${chosen.text}.`);
    return entry;
  }

  // For undo after a reload.
  remember() { this.supply.remember(this.#done); }

  // ---- what the server says

  /** @param {CategoryOrder} order */
  useOrder(order) { this.order = order; }

  // Used from the next page on.
  /** @param {number} version */
  useVersion(version) {
    if (!this.supply.about || version === this.version) return;
    this.version = version;
    this.supply.drop();
    this.recount();
    this.view.tell(`Version ${version} is ready and is used from the next page on.`, 'version');
  }

  // What was loaded in file order is of no use.
  useImageOrder() { this.supply.drop(); }

  async recount() {
    const got = await this.server.call('counts');
    if (got.ok) this.order.setCounts(got.counts);
    this.view.draw();
  }

  /** @param {Job} job @param {Done} result */
  confirmed(job, result) {
    if (job.call === 'save') this.#confirmSaved(result);
    else if (job.call === 'undo' || job.call === 'redo') {
      if (result.nothing && !job.adopted) this.#chooseAgain(job.call);
      else if (!job.target || !this.#isAbout(job.target, result)) this.#confirmElsewhere(job);
    }
    if (!this.queue.pending && this.#page) this.recount();
  }

  /** @param {Done} result */
  #confirmSaved({ late, left_out: leftOut, images }) {
    if (late?.length) this.view.tell(lateText(late, images ?? {}));
    else if (leftOut?.length) this.view.tell(`${leftOut.length} could not be saved: ${leftOut[0][1]}`);
  }

  // Whether the server took back the page that was shown again.
  /** @param {string} op @param {Done} result */
  #isAbout(op, { images }) {
    const entry = [...this.#undone, ...this.#done].find((each) => each.op === op);
    return !entry || entry.ids.some((id) => String(id) in (images ?? {}));
  }

  // Something that this tab does not know: of another page, another tab, or of yesterday.
  /** @param {Job} job */
  #confirmElsewhere(job) {
    if (job.adopted || !this.#page) return;
    this.#undone = [];
    this.go(this.#page.about);
  }

  // Another step is newer by now, which is asked about; what this page shows as taken back still stands.
  /** @param {'undo' | 'redo'} call */
  #chooseAgain(call) {
    this.#done = [];
    this.#undone = [];
    if (this.#page) this.go(this.#page.about);
    this[call]();
  }

  // What could not be saved is open again as far as the server knows.
  /** @param {string} message */
  refused(message) {
    this.view.tell(message);
    this.recount();
  }
}

/** @param {About} one @param {About | null} other */
const isSame = (one, other) => one.category === other?.category && one.mode === other.mode && one.like === other.like;
