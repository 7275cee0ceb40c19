// What the annotator did and the server has not confirmed yet: in order, each with an id, kept in the
// browser until it is committed. Sending one twice does nothing twice, so a retry is always safe.
// What cannot be saved is put aside, so that it holds nothing up.

import { Aside } from './failed_saves.js';
import { allKeys, keep, keptJobs, lastKey, nameProject, personOf, unsavedPrefix } from './browser_store.js';
import { randomId } from './dom.js';
import { pause } from './server.js';

const ALIVE_MS = 2000;
const ORPHAN_MS = 10000; // taking over the work of a tab that only sleeps sends it twice, which is safe
const SLOWEST_MS = 5000;
const MOST_TRIES = 5; // of what fails while the server answers everything else

const isAnswer = ({ call }) => ['save', 'probe_answer'].includes(call);
const isBack = ({ call }) => ['undo', 'redo'].includes(call);

export class SaveQueue {
  // `former`: names that the annotator had before.
  constructor(server, { project, projectName, annotator, former, page }, { onState, onDone, onRefused, onStopped }) {
    Object.assign(this, { server, project, annotator, former, page, onState, onDone, onRefused, onStopped });
    // With the name in it, so that nobody's answers are ever sent under another name.
    this.prefix = unsavedPrefix(project, annotator);
    this.alivePrefix = `annotator-alive:${project}:`;
    this.tab = this.#tabId();
    this.jobs = keptJobs(this.prefix + this.tab);
    this.last = localStorage.getItem(lastKey(project, annotator)); // the newest operation that was acknowledged
    Object.assign(this, { fails: 0, trouble: '', busy: false, stopped: false, wake: () => {} });
    this.aside = new Aside(project, annotator, former, () => this.#report());
    nameProject(project, projectName);
    this.#stayAlive();
    this.adopt();
  }

  get pending() { return this.jobs.filter((job) => job.call !== 'visit').length; }

  // The newest undo or redo on its way of which only the server knows what it touches.
  get blind() {
    return this.jobs.findLast((job) => isBack(job) && !job.target)?.data.op ?? null;
  }

  push(call, data, about = {}) {
    const job = { call, data, page: this.page, last: this.last, ...about };
    if (isBack(job)) job.meant = job.target ?? (call === 'undo' ? this.#newest() : undefined);
    if (this.#isAboutAside(job)) return;
    this.jobs.push(job);
    this.#keep();
    this.pump();
  }

  resume() {
    this.stopped = false;
    this.pump();
  }

  // Somebody has decided that what was put aside shall be tried once more.
  retry(op) {
    const job = this.aside.remove(op);
    if (job) this.#again(job);
  }

  #again(job) {
    this.jobs.push({ ...job, last: null, tries: 0 });
    this.#keep();
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
    if (result.ok) this.#confirm(job, result);
    else if (result.need_name || result.other_name) this.#stop(result);
    else if (result.set_back) this.#setBack(result);
    else if (result.refused) this.#giveUp(job, result.message);
    else {
      this.fails += 1;
      this.trouble = result.message ?? '';
      this.#report();
      if (await this.#isHopeless(job, result)) this.#giveUp(job, result.message ?? 'The server could not answer this.');
      else await Promise.race([pause(Math.min(SLOWEST_MS, 250 * 2 ** this.fails)), new Promise((resolve) => { this.wake = resolve; })]);
    }
  }

  #confirm(job, result) {
    if (job.call === 'save' || (isBack(job) && !result.nothing)) {
      this.last = job.data.op;
      keep(lastKey(this.project, this.annotator), this.last);
      this.aside.age();
    }
    if (result.left_out?.length) this.#putLeftOut(job, result.left_out);
    this.#settle(job, () => this.onDone(job, result));
  }

  #stop(result) {
    this.stopped = true;
    this.onStopped(result);
  }

  // An older backup was brought back: what was given before that waits for somebody to decide.
  #setBack(result) {
    for (const job of this.jobs.filter(isAnswer)) this.#putAside(job, result.message);
    this.last = null;
    localStorage.removeItem(lastKey(this.project, this.annotator));
    this.jobs = [];
    this.#keep();
    this.#stop(result);
  }

  // A refusal, or a request that fails again and again while the server answers others.
  #giveUp(job, reason) {
    const about = isAnswer(job) ? this.#putAside(job, reason) : [];
    this.#settle(job, () => this.onRefused(job, reason));
    for (const other of about) this.#answerHere(other, job);
  }

  async #isHopeless(job, { failed, away, slow, other_project: other }) {
    if (!failed && (!away || slow || other)) return false;
    if (!(await this.server.call('state')).ok) return false;
    job.tries = (job.tries ?? 0) + 1;
    return job.tries >= MOST_TRIES;
  }

  #settle(job, tell) {
    this.jobs = this.jobs.filter((other) => other !== job);
    Object.assign(this, { fails: 0, trouble: '' });
    this.#keep();
    guarded(tell);
  }

  // ---- what is put aside

  // Returns the undos and redos of it, of which the server never hears.
  #putAside(job, reason) {
    const { op } = job.data;
    const about = this.jobs.filter(({ meant }) => meant === op);
    this.jobs = this.jobs.filter((other) => !about.includes(other));
    this.#lookPast(job);
    this.aside.put(job, reason, about.at(-1)?.call === 'undo');
    return about;
  }

  // Pictures of a page that are gone: the rest is saved, and they are tried again by themselves.
  #putLeftOut(job, leftOut) {
    const ids = new Set(leftOut.map(([image]) => image));
    const changes = job.data.changes.filter(({ image }) => ids.has(image ?? job.data.image));
    this.aside.put({ ...job, of: job.data.op, data: { ...job.data, op: randomId(), changes } }, leftOut[0][1]);
  }

  // What was said later about the same pairs has seen what was there before the one put aside.
  #lookPast({ data }) {
    for (const change of this.jobs.flatMap((job) => job.data.changes ?? [])) {
      const before = change.after === data.op && data.changes?.find((one) => one.category === change.category && one.image === change.image);
      if (before) Object.assign(change, { seen: before.seen, after: before.after });
    }
  }

  // The newest answer of this browser that is not saved; the server knows only those that are.
  #newest() {
    const answers = [];
    for (const { call, data, meant } of this.jobs) {
      if (call === 'save' || call === 'redo') answers.push(call === 'save' ? data.op : meant);
      if (call === 'undo' && answers.at(-1) === meant) answers.pop();
    }
    return answers.at(-1) ?? this.aside.newest;
  }

  // Taking back what was put aside, or bringing it back, is nothing that the server has to know.
  #isAboutAside(job) {
    const { call, meant } = job;
    const answer = call === 'undo' ? this.aside.takeBack(meant) : call === 'redo' && this.aside.bringBack(meant);
    if (!answer) return false;
    this.#answerHere(job, answer);
    if (call === 'redo') this.#again(answer);
    return true;
  }

  // The page hears what the server would say: it is done, and the images are as the server knows them.
  #answerHere(job, { data }) {
    const images = Object.fromEntries((data.changes ?? []).map((change) => [change.image ?? data.image, {}]));
    guarded(() => this.onDone(job, { ok: true, op: job.data.op, nothing: false, image: job.image ?? null, images }));
  }

  #report() {
    const { pending, fails, trouble, aside } = this;
    guarded(() => this.onState({ pending, fails, trouble, kept: this.kept !== false && aside.isKept, aside: aside.count }));
  }

  #keep() {
    this.kept = keep(this.prefix + this.tab, this.jobs.length ? JSON.stringify(this.jobs) : null);
    this.#report();
  }

  // ---- other tabs

  // A tab that was closed or crashed leaves its work behind; whoever is there takes it over. What
  // was left under a name that the annotator had before is taken over under the present one.
  adopt() {
    const now = Date.now();
    for (const key of allKeys(unsavedPrefix(this.project))) {
      const { person, tab } = personOf(key, this.project);
      const isMine = person === this.annotator && tab === this.tab;
      if (isMine || (person !== this.annotator && !this.former.includes(person.toLowerCase()))) continue;
      const seen = Number(localStorage.getItem(this.alivePrefix + tab) ?? 0);
      if (tab !== this.tab && now - seen < ORPHAN_MS) continue;
      this.jobs.push(...keptJobs(key).map((job) => ({ ...job, data: { ...job.data, as: this.annotator }, adopted: true })));
      this.#keep();
      if (this.kept) localStorage.removeItem(key);
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
    const beat = () => { if (!keep(key, String(Date.now()))) this.kept = false; };
    beat();
    setInterval(beat, ALIVE_MS);
    setInterval(() => this.adopt(), ORPHAN_MS / 2);
    addEventListener('pagehide', () => localStorage.removeItem(key));
    addEventListener('pageshow', beat);
    addEventListener('online', () => this.wake());
  }
}

// A mistake in what a page draws is one for the console; the answers behind it still have to go out.
async function guarded(act) {
  try {
    await act();
  } catch (error) {
    console.error(error);
  }
}
