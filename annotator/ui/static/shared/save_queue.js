// What the annotator did and the server has not confirmed yet: in order, each with an id, kept in the
// browser until it is committed. Sending one twice does nothing twice, so a retry is always safe.
// What cannot be saved goes to `failed`, so that it holds nothing up.

import { allKeys, lastKey, nameKey, nameProject, ownerOf, store, storedJobs, unsavedPrefix } from './browser_store.js';
import { randomId } from './dom.js';
import { FailedSaves } from './failed_saves.js';
import { pause } from './server.js';

/** @import { Change, Failure, Saved, State, TakenBack } from './wire.d.ts' */
/** @import { Server } from './server.js' */

/** @typedef {'save' | 'undo' | 'redo' | 'visit' | 'probe_answer'} QueuedCall */
/**
 * @typedef {object} JobData what the server gets; a call has more of its own
 * @property {string} op
 * @property {string} as
 * @property {number} [image]
 * @property {number} [category]
 * @property {string} [at] when it happened
 * @property {string | null} [step] of which it is a part
 * @property {Change[]} [changes]
 * @property {number} [probe]
 * @property {State} [state]
 */
/**
 * @typedef {object} Job
 * @property {QueuedCall} call
 * @property {JobData} data
 * @property {string} [page] that it was done on
 * @property {string | null} [last] the newest operation that was acknowledged then
 * @property {string} [target] of an undo or redo: the operation that the page means
 * @property {string} [meant] the same, or a step that is not of this page
 * @property {number | null} [image] of `target`
 * @property {string} [name] of the image
 * @property {string} [of] the operation that was saved without these changes
 * @property {boolean} [adopted] from another tab
 * @property {number} [tries]
 */
/** @typedef {{ ok: true } & Partial<Saved> & Partial<TakenBack>} Done what the server, or the browser in its place, confirms */
/** @typedef {{ pending: number, waiting: number, fails: number, trouble: string, isStored: boolean, failed: number }} QueueState `waiting`: answers in what is pending */

const ALIVE_MS = 2000;
const ORPHAN_MS = 10000; // taking over the work of a tab that only sleeps sends it twice, which is safe
const SLOWEST_MS = 5000;
const MOST_TRIES = 5; // of what fails while the server answers everything else

/** @param {Job} job */
export const isAnswer = ({ call }) => ['save', 'probe_answer'].includes(call);
// How many answers they hold: those that are taken back again do not count, an undo of what is saved counts as one.
/** @param {Job[]} jobs */
export function answersIn(jobs) {
  /** @type {Map<string | undefined, number>} */
  const held = new Map();
  let sum = 0;
  for (const { call, data, meant } of jobs) {
    const known = held.get(meant);
    const count = call === 'visit' ? 0 : known ?? data.changes?.length ?? 1;
    if (known === undefined) held.set(data.op, count);
    sum += known !== undefined && call === 'undo' ? -count : count;
  }
  return sum;
}
/** @param {Job} job */
const isUndoOrRedo = ({ call }) => ['undo', 'redo'].includes(call);

export class SaveQueue {
  /**
   * @param {Server} server
   * @param {{ project: string, projectName: string, annotator: string, former: string[], page: string }} owner
   *   `former`: names that the annotator had before
   * @param {{ onState: (state: QueueState) => void, onDone: (job: Job, result: Done) => void,
   *   onRefused: (job: Job, message: string) => void, onStopped: (result: Failure) => void }} listeners
   */
  constructor(server, { project, projectName, annotator, former, page }, { onState, onDone, onRefused, onStopped }) {
    this.server = server;
    this.project = project;
    this.annotator = annotator;
    this.former = former;
    this.page = page;
    this.onState = onState;
    this.onDone = onDone;
    this.onRefused = onRefused;
    this.onStopped = onStopped;
    // With the name in it, so that nobody's answers are ever sent under another name.
    this.prefix = unsavedPrefix(project, annotator);
    this.alivePrefix = `annotator-alive:${project}:`;
    this.tab = this.#tabId();
    this.jobs = storedJobs(this.prefix + this.tab);
    this.last = localStorage.getItem(lastKey(project, annotator)); // the newest operation that was acknowledged
    this.fails = 0;
    this.trouble = '';
    this.busy = false;
    this.stopped = false;
    this.isStored = true;
    this.wake = () => {};
    this.failed = new FailedSaves(project, annotator, former, () => this.#report());
    nameProject(project, projectName);
    this.#stayAlive();
    this.adopt();
  }

  get pending() { return this.jobs.filter((job) => job.call !== 'visit').length; }

  // The newest undo or redo on its way of which only the server knows what it touches.
  get untargeted() {
    return this.jobs.findLast((job) => isUndoOrRedo(job) && !job.target)?.data.op ?? null;
  }

  /**
   * @param {QueuedCall} call
   * @param {JobData & Record<string, any>} data
   * @param {Partial<Job>} [about]
   */
  push(call, data, about = {}) {
    /** @type {Job} */
    const job = { call, data, page: this.page, last: this.last, ...about };
    job.meant ??= job.target;
    if (this.#isAboutFailed(job)) return;
    this.jobs.push(job);
    this.#store();
    this.pump();
  }

  resume() {
    this.stopped = false;
    this.pump();
  }

  // Somebody has decided that what could not be saved shall be tried once more.
  /** @param {string} op */
  retry(op) {
    const job = this.failed.remove(op);
    if (job) this.#resend(job);
  }

  /** @param {Job} job */
  #resend(job) {
    this.jobs.push({ ...job, last: null, tries: 0 });
    this.#store();
    this.pump();
  }

  async pump() {
    if (this.busy || this.stopped) return;
    this.busy = true;
    try {
      while (this.jobs.length && !this.stopped) await this.#sendFirst();
    } finally {
      this.busy = false;
    }
    this.#report();
  }

  async #sendFirst() {
    const job = this.jobs[0];
    const result = await this.server.call(job.call, { ...job.data, target: job.target ?? job.meant ?? null, last: job.last ?? null });
    if (result.ok) this.#confirm(job, /** @type {Done} */ (result));
    else if (result.need_name || result.other_name) this.#stop(result);
    else if (result.set_back) this.#setBack(result);
    else if (result.refused) this.#giveUp(job, result.message ?? '');
    else {
      this.fails += 1;
      this.trouble = result.message ?? '';
      this.#report();
      if (await this.#isHopeless(job, result)) this.#giveUp(job, result.message ?? 'The server could not answer this.');
      else await Promise.race([pause(Math.min(SLOWEST_MS, 250 * 2 ** this.fails)), new Promise((resolve) => { this.wake = () => resolve(undefined); })]);
    }
  }

  /** @param {Job} job @param {Done} result */
  #confirm(job, result) {
    if (job.call === 'save' || (isUndoOrRedo(job) && !result.nothing)) {
      this.last = job.data.op;
      store(lastKey(this.project, this.annotator), this.last);
      this.failed.markOlder();
    }
    if (result.left_out?.length || result.archived?.length) this.#keepLeftOut(job, result);
    this.#settle(job, () => this.onDone(job, result));
  }

  /** @param {Failure} result */
  #stop(result) {
    this.stopped = true;
    this.onStopped(result);
  }

  // An older backup was brought back: what was given before that waits for somebody to decide.
  /** @param {Failure} result */
  #setBack(result) {
    for (const job of this.jobs.filter(isAnswer)) this.#fail(job, result.message ?? '');
    this.last = null;
    localStorage.removeItem(lastKey(this.project, this.annotator));
    this.jobs = [];
    this.#store();
    this.#stop(result);
  }

  // A refusal, or a request that fails again and again while the server answers others.
  /** @param {Job} job @param {string} reason */
  #giveUp(job, reason) {
    const about = isAnswer(job) ? this.#fail(job, reason) : [];
    this.#settle(job, () => this.onRefused(job, reason));
    for (const other of about) this.#answerHere(other, job);
  }

  /** @param {Job} job @param {Failure} result */
  async #isHopeless(job, { failed, away, slow, other_project: other }) {
    if (!failed && (!away || slow || other)) return false;
    if (!(await this.server.call('state')).ok) return false;
    job.tries = (job.tries ?? 0) + 1;
    return job.tries >= MOST_TRIES;
  }

  /** @param {Job} job @param {() => void} notify */
  #settle(job, notify) {
    this.jobs = this.jobs.filter((other) => other !== job);
    this.fails = 0;
    this.trouble = '';
    this.#store();
    guarded(notify);
  }

  // ---- what could not be saved

  // Returns the undos and redos of it, of which the server never hears.
  /** @param {Job} job @param {string} reason */
  #fail(job, reason) {
    const { op } = job.data;
    const about = this.jobs.filter(({ meant }) => meant === op);
    this.jobs = this.jobs.filter((other) => !about.includes(other));
    this.#skipInLater(job);
    this.failed.add(job, reason, about.at(-1)?.call === 'undo');
    return about;
  }

  // Images that are gone and categories that are archived: all else is saved, and these are tried
  // again by themselves.
  /** @param {Job} job @param {Done} result */
  #keepLeftOut(job, { left_out: images = [], archived = [] }) {
    const [gone, hidden] = [images, archived].map((each) => new Set(each.map(([id]) => id)));
    const changes = job.data.changes?.filter(({ image, category }) => gone.has(image ?? job.data.image ?? 0) || hidden.has(category)) ?? [];
    const [, reason] = images[0] ?? archived[0];
    this.failed.add({ ...job, of: job.data.op, data: { ...job.data, op: randomId(), changes } }, reason);
  }

  // What was said later about the same pairs has seen what was there before the one that failed.
  /** @param {Job} job */
  #skipInLater({ data }) {
    for (const change of this.jobs.flatMap((job) => job.data.changes ?? [])) {
      const before = change.after === data.op && data.changes?.find((one) => one.category === change.category && one.image === change.image);
      if (before) Object.assign(change, { seen: before.seen, after: before.after });
    }
  }

  // The newest answer of this browser that is not saved; the server knows only those that are.
  get newestUnsaved() {
    /** @type {Job[]} */
    const answers = [];
    for (const job of this.jobs) {
      if (job.call === 'save') answers.push(job);
      if (job.call === 'undo' && answers.at(-1)?.data.op === job.meant) answers.pop();
      if (job.call === 'redo') answers.push(...this.jobs.filter(({ data }) => data.op === job.meant));
    }
    return answers.at(-1) ?? this.failed.newest;
  }

  // Taking back what could not be saved, or bringing it back, is nothing that the server has to know.
  /** @param {Job} job */
  #isAboutFailed(job) {
    const { call, meant } = job;
    const answer = call === 'undo' ? this.failed.undo(meant) : call === 'redo' && this.failed.redo(meant);
    if (!answer) return false;
    this.#answerHere(job, answer);
    if (call === 'redo') this.#resend(answer);
    return true;
  }

  // The page hears what the server would say: it is done, and the images are as the server knows them.
  /** @param {Job} job @param {Job} answer */
  #answerHere(job, { data }) {
    const images = Object.fromEntries((data.changes ?? []).map((change) => [change.image ?? data.image, {}]));
    guarded(() => this.onDone(job, { ok: true, op: job.data.op, nothing: false, image: job.image ?? null, images }));
  }

  #report() {
    const { pending, fails, trouble, failed, isStored } = this;
    guarded(() => this.onState({ pending, waiting: answersIn(this.jobs), fails, trouble, isStored: isStored && failed.isStored, failed: failed.count }));
  }

  #store() {
    this.isStored = store(this.prefix + this.tab, this.jobs.length ? JSON.stringify(this.jobs) : null);
    this.#report();
  }

  // ---- other tabs

  // A tab that was closed or crashed leaves its work behind; whoever is there takes it over. What
  // was left under a name that the annotator had before, or spelled in another way, is taken over.
  adopt() {
    const now = Date.now();
    for (const key of allKeys(unsavedPrefix(this.project))) {
      const { person, tab } = ownerOf(key, this.project);
      const isMine = person === this.annotator && tab === this.tab;
      if (isMine || ![nameKey(this.annotator), ...this.former].includes(nameKey(person))) continue;
      const seen = Number(localStorage.getItem(this.alivePrefix + tab) ?? 0);
      if (tab !== this.tab && now - seen < ORPHAN_MS) continue;
      this.jobs.push(...storedJobs(key).map((job) => ({ ...job, data: { ...job.data, as: this.annotator }, adopted: true })));
      this.#store();
      if (this.isStored) localStorage.removeItem(key);
    }
    this.pump();
  }

  #tabId() {
    const known = sessionStorage.getItem('annotator-tab');
    const seen = Number(localStorage.getItem(this.alivePrefix + known) ?? 0);
    const duplicated = Date.now() - seen < 3 * ALIVE_MS; // its original is still open
    const id = known && !duplicated ? known : randomId();
    sessionStorage.setItem('annotator-tab', id);
    return id;
  }

  #stayAlive() {
    const key = this.alivePrefix + this.tab;
    const beat = () => { if (!store(key, String(Date.now()))) this.isStored = false; };
    beat();
    setInterval(beat, ALIVE_MS);
    setInterval(() => this.adopt(), ORPHAN_MS / 2);
    addEventListener('pagehide', () => localStorage.removeItem(key));
    addEventListener('pageshow', beat);
    addEventListener('online', () => this.wake());
  }
}

// A mistake in what a page draws is one for the console; the answers behind it still have to go out.
/** @param {() => unknown} act */
async function guarded(act) {
  try {
    await act();
  } catch (error) {
    console.error(error);
  }
}
