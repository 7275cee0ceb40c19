// What the Review page is about: the pairs that are listed, which are selected and in focus, what was
// answered about them, and what the server says to that. All of it changes through these methods
// only; the page draws what it reads here.

import { randomId } from '../shared/dom.js';
import { keyOr, takesBack } from '../shared/key_or_button.js';
import { lateText } from '../shared/late_answers.js';
import { saidBy, stepText } from '../shared/step_text.js';
import { keyOf, Pair, stateText } from './pair.js';

/** @import { ReviewFound, ReviewRow, Source, State, Touched } from '../shared/wire.d.ts' */
/** @import { Done, Job, SaveQueue } from '../shared/save_queue.js' */
/** @import { Server } from '../shared/server.js' */
/** @import { OwnStep, UndoGuard } from '../shared/undo_guard.js' */

/** @typedef {Record<string, string | number>} FilterValues */
/** @typedef {OwnStep & { before: { pair: Pair, row: ReviewRow }[] }} Step an operation of this tab, for undo and redo */
/**
 * @typedef {object} View what the page does when something has changed
 * @property {() => void} draw
 * @property {(text: string) => void} notify what came of the last key
 * @property {(text: string) => void} tell what has happened besides
 * @property {(text: string) => void} say for screen readers
 */

const PAGE = 60;
const UNDOABLE = 100; // operations that undo shows at once; of older ones the server says what they were

/** @param {State} state */
const answerText = (state) => (state === 'cleared' ? 'your answer is removed' : stateText(state));

export class ReviewState {
  /** @type {Pair[]} */
  #pairs = [];

  /** @type {Pair | null} */
  #focus = null;

  /** @type {Pair | null} */
  #anchor = null; // where a selection of several began

  /** @type {FilterValues | null} */
  #filters = null;

  /** @type {number | null} */
  #version = null;

  #total = 0;

  #decides = false;

  /** @type {ReviewFound['next']} */
  #next = null;

  #searches = 0;

  #isLoading = false;

  /** @type {Step[]} */
  #done = [];

  /** @type {Step[]} */
  #undone = [];

  #answeredAt = performance.now();

  /**
   * @param {{ server: Server, queue: SaveQueue, guard: UndoGuard, me: string, isReviewer: boolean, names: Map<number, string> }} parts
   *   `names`: of the categories
   * @param {View} view
   */
  constructor({ server, queue, guard, me, isReviewer, names }, view) {
    this.server = server;
    this.queue = queue;
    this.guard = guard;
    this.me = me;
    this.isReviewer = isReviewer;
    this.names = names;
    this.view = view;
  }

  get pairs() { return this.#pairs; }

  get focus() { return this.#focus; }

  get selected() { return this.#pairs.filter(({ isSelected }) => isSelected); }

  // Of what is listed, null before anything is.
  get filters() { return this.#filters; }

  get version() { return this.#version; }

  // How many fit the filters, loaded or not.
  get total() { return this.#total; }

  // Whether answers about pairs in conflict settle them.
  get decides() { return this.#decides; }

  // How many searches have begun.
  get searches() { return this.#searches; }

  get hasMore() { return this.#next !== null && !this.#isLoading; }

  // From the next search on.
  /** @param {Map<number, string>} names of the categories */
  useNames(names) { this.names = names; }

  // ---- listing

  // The reply, null if a newer search has begun.
  /** @param {FilterValues} filters */
  async search(filters) {
    this.#searches += 1;
    const search = this.#searches;
    this.#next = null;
    const found = await this.server.call('search', { filters, count: PAGE });
    if (search !== this.#searches) return null;
    this.#pairs = [];
    this.#focus = null;
    this.#anchor = null;
    if (!found.ok) return found;
    this.#filters = filters;
    this.#version = found.version;
    this.#total = found.total;
    this.#take(found);
    return found;
  }

  // True if more came.
  async loadMore() {
    if (!this.hasMore) return false;
    this.#isLoading = true;
    const search = this.#searches;
    const found = await this.server.call('search', { filters: this.#filters, after: this.#next, count: PAGE });
    this.#isLoading = false;
    if (!found.ok || search !== this.#searches) return false;
    this.#take(found);
    return true;
  }

  // Pairs that are given again, because something moved in between, are not listed twice.
  /** @param {ReviewFound} found */
  #take(found) {
    const known = new Set(this.#pairs.map(({ key }) => key));
    const pairs = found.pairs.map((row) => this.#pair(row));
    this.#pairs = [...this.#pairs, ...pairs.filter(({ key }) => !known.has(key))];
    this.#next = found.next;
    this.#focus ??= this.#pairs[0] ?? null;
  }

  // What this browser could not send yet shows at once.
  /** @param {ReviewRow} row */
  #pair(row) {
    const pair = new Pair(row, this.names.get(row.category ?? 0) ?? '');
    for (const { call, data } of this.queue.jobs) {
      const mine = call === 'save' && data.changes?.find(({ image, category }) => image === row.image && category === row.category);
      if (mine) pair.replace(pair.withAnswer(this.me, mine.state, mine.source ?? 'human'), data.op);
    }
    return pair;
  }

  /** @param {string} key */
  #find(key) { return this.#pairs.find((pair) => pair.key === key); }

  // ---- focus and selection

  /** @param {Pair | null} pair */
  setFocus(pair) { this.#focus = pair; }

  /** @param {Pair} pair */
  toggleSelected(pair) {
    if (pair.isPair) pair.isSelected = !pair.isSelected;
    this.#anchor = pair;
  }

  // Select everything between where the selection began and here.
  /** @param {Pair} pair */
  extendTo(pair) {
    this.#anchor ??= this.#focus;
    const from = this.#anchor ? this.#pairs.indexOf(this.#anchor) : 0;
    const to = this.#pairs.indexOf(pair);
    this.#pairs.forEach((each, place) => { each.isSelected = each.isPair && place >= Math.min(from, to) && place <= Math.max(from, to); });
  }

  // The next selection begins anew.
  dropAnchor() { this.#anchor = null; }

  /** @param {boolean} isSelected */
  selectAll(isSelected) {
    for (const pair of this.#pairs) pair.isSelected = isSelected && pair.isPair;
    this.#anchor = null;
  }

  // ---- answering

  /** @param {boolean} decides */
  setDecides(decides) { this.#decides = decides; }

  /** @param {Pair} pair @returns {Source} */
  #source(pair) { return this.isReviewer || (this.#decides && pair.state === 'conflict') ? 'review' : 'human'; }

  // Those of some pairs that an answer would change; nobody answers about an image they cannot see.
  /** @param {Pair[]} pairs @param {State} state */
  changing(pairs, state) {
    const isConfirming = this.#filters?.show === 'checks' && state !== 'cleared'; // the same again settles it
    return pairs.filter((pair) => pair.isDrawn && (isConfirming || pair.wouldChange(this.me, state, this.#source(pair))));
  }

  // About the selected pairs if there are any, else about the one in focus.
  /** @param {State} state */
  answer(state) {
    const { selected, view } = this;
    const pair = this.#focus;
    if (selected.length) this.#answerSelected(selected, state);
    else if (!pair) return;
    else if (!pair.isPair) view.notify('This flag is about the whole image. Press Enter to open it on the Label page.');
    else if (!pair.isDrawn) view.notify('The image is not here yet; it takes answers as soon as it can be seen.');
    else if (this.#filters?.show !== 'checks' && pair.isAnswered(state, this.#source(pair))) view.notify(state === 'cleared' ? 'You have no answer here to remove.' : 'You have already answered this.');
    else {
      this.#commit('answer', [pair], state);
      this.#tell(pair, state);
    }
  }

  /** @param {Pair} pair @param {State} state */
  #tell(pair, state) {
    const { view } = this;
    view.say(`${pair.categoryName} ${answerText(state)}`);
    if (pair.state === 'conflict') view.notify(`Still in conflict: ${pair.whoText}. ${keyOr('Press D', 'Tick “My answers decide conflicts”')} to let your answers decide.`);
    else if (state === 'cleared' && pair.row.state) view.notify(`Your answer is removed; ${pair.row.by || 'someone else'} answered ${pair.row.state}.`);
  }

  /** @param {Pair[]} selected @param {State} state */
  #answerSelected(selected, state) {
    const changed = this.changing(selected, state);
    if (changed.length) this.#commit('page', changed, state);
    this.view.notify(changed.length ? `${changed.length} changed: ${answerText(state)}. ${takesBack()}` : 'That would change none of the selected pairs.');
  }

  /** @param {string} kind @param {Pair[]} pairs @param {State} state */
  #commit(kind, pairs, state) {
    const { queue, me } = this;
    const op = randomId();
    const sources = new Map(pairs.map((pair) => [pair, this.#source(pair)]));
    const changes = [...sources].map(([pair, source]) => pair.change(state, source, queue.untargeted));
    const text = stepText(saidBy({ changes }, pairs[0].row.name, this.names));
    this.#done = [...this.#done, { op, at: Date.now(), text, before: pairs.map((pair) => ({ pair, row: pair.row })) }].slice(-UNDOABLE);
    this.#undone = [];
    this.guard.did(op);
    for (const [pair, source] of sources) pair.replace(pair.withAnswer(me, state, source), op);
    const now = performance.now();
    queue.push('save', {
      as: me, op, kind, at: new Date().toISOString(), ms: Math.round(now - this.#answeredAt), version: this.#version, changes,
    }, { name: pairs.length === 1 ? pairs[0].row.name : undefined });
    this.#answeredAt = now;
    this.view.draw();
  }

  undo() { return this.#takeBack('undo', this.#done, this.#undone); }

  redo() { return this.#takeBack('redo', this.#undone, this.#done); }

  // Shown at once where this tab knows what is taken back; the server has the last word.
  /** @param {'undo' | 'redo'} call @param {Step[]} from @param {Step[]} to */
  async #takeBack(call, from, to) {
    const chosen = await this.guard.choose(call, from.at(-1));
    if (!chosen) return;
    const op = randomId();
    const step = from.at(-1)?.op === chosen.op ? from.pop() : undefined;
    if (step) {
      to.push({ ...step, at: Date.now(), before: step.before.map(({ pair }) => ({ pair, row: pair.row })) });
      for (const { pair, row } of step.before) pair.replace(row, op);
    } else this.#forgetSteps();
    this.queue.push(call, { as: this.me, op }, step ? { target: step.op } : { meant: chosen.op });
    this.guard.sendRest(call, chosen);
    this.view.draw();
    this.view.notify(`${call === 'undo' ? 'Undone' : 'Redone'}: ${chosen.text}.`);
  }

  // The server still knows them, so undo goes on working.
  #forgetSteps() {
    this.#done = [];
    this.#undone = [];
  }

  // ---- what the server says

  /** @param {Job} job @param {Done} result @returns {Promise<Pair[]>} the pairs that it was about */
  async confirmed(job, result) {
    if (job.call === 'visit' || job.call === 'probe_answer') return []; // left behind by another page
    const { view } = this;
    const pairs = this.#settle(job, result.images ?? {});
    if (result.late?.length) view.tell(lateText(result.late, result.images ?? {}, 'this'));
    if (result.left_out?.length) view.tell(`${result.left_out.length} could not be saved: ${result.left_out[0][1]}`);
    if (result.archived?.length) this.#putBack(job.data.op, result.archived.map(([category]) => category));
    await this.#refresh(pairs);
    if (result.nothing && job.call !== 'save' && !job.adopted) {
      this.#forgetSteps(); // another step is newer by now, which is asked about
      this[job.call]();
    }
    return pairs;
  }

  /** @param {Job} job @param {string} message @returns {Promise<Pair[]>} the pairs that it was about */
  async refused(job, message) {
    if (job.call === 'visit') return [];
    this.view.tell(message);
    this.#putBack(job.data.op);
    const pairs = this.#settle(job, {});
    await this.#refresh(pairs);
    return pairs;
  }

  // Whatever it touched and whatever waited for it is looked at again.
  /** @param {Job} job @param {Touched} images @returns {Pair[]} */
  #settle(job, images) {
    const touched = Object.entries(images).flatMap(([image, labels]) => Object.entries(labels).map(([category, label]) => ({ pair: this.#find(keyOf(image, category)), label })));
    const waiting = this.#pairs.filter(({ pending }) => pending === job.data.op);
    for (const pair of waiting) pair.pending = null;
    for (const { pair, label } of touched) if (pair) pair.answer = label?.answer ?? null;
    return [...new Set([...touched.map(({ pair }) => pair), ...waiting])].filter((pair) => pair !== undefined);
  }

  // What could not be saved shows again what it was; the server tells nothing of archived categories.
  /** @param {string} op @param {number[]} [categories] none: all of it */
  #putBack(op, categories) {
    for (const { pair, row } of this.#done.find((step) => step.op === op)?.before ?? []) {
      if (pair.pending === op && (categories?.includes(row.category ?? 0) ?? true)) pair.row = row;
    }
  }

  /** @param {Pair[]} pairs */
  async #refresh(pairs) {
    for (let first = 0; first < pairs.length; first += PAGE) {
      const part = pairs.slice(first, first + PAGE);
      const got = await this.server.call('rows', { pairs: part.flatMap(({ row: { image, category } }) => (category === null ? [] : [{ image, category }])) });
      if (got.ok) for (const row of got.pairs) this.#find(keyOf(row.image, row.category))?.take(row);
    }
  }

  /** @param {number | undefined} flag */
  async resolveFlag(flag) {
    const { view } = this;
    if (!flag) {
      view.notify('This image has no flag.');
      return;
    }
    const got = await this.server.call('resolve_flag', { flag });
    if (got.ok) {
      for (const pair of this.#pairs) if (pair.row.image === got.image) pair.row = { ...pair.row, flags: got.flags };
      view.notify('The flag is resolved.');
      view.draw();
    } else view.notify(got.message ?? 'The server does not answer; press F again in a moment.');
  }
}
