// Answers that could not be saved, one key each in the browser's storage, so that all tabs see them
// and none overwrites what another puts in.

import { allKeys, failedPrefix, nameKey, parsed, store } from './browser_store.js';

/** @import { Job } from './save_queue.js' */
/** @typedef {{ job: Job, reason: string, at: number, isNewest: boolean }} FailedSave */

export class FailedSaves {
  /**
   * @param {string} project
   * @param {string} annotator
   * @param {string[]} former names that the annotator had before, in lower case
   * @param {() => void} onChange
   */
  constructor(project, annotator, former, onChange) {
    this.prefix = failedPrefix(project, annotator);
    this.onChange = onChange;
    /** @type {Map<string, FailedSave>} */
    this.unstored = new Map(); // what the browser has no room for stays while the page is open
    /** @type {Map<string, Job>} */
    this.undone = new Map(); // taken back with undo, for redo
    this.#adoptFormer(project, annotator, former);
    addEventListener('storage', ({ key }) => { if (!key || key.startsWith(this.prefix)) onChange(); });
  }

  // In the order in which they failed.
  /** @returns {FailedSave[]} */
  get entries() {
    const kept = allKeys(this.prefix).map(parsed).filter((entry) => entry?.job?.data?.op);
    return [...kept, ...this.unstored.values()].sort((one, other) => one.at - other.at);
  }

  get count() { return allKeys(this.prefix).length + this.unstored.size; }

  get isStored() { return !this.unstored.size; }

  // The last one, if nothing that came after it was saved: an undo is about that one.
  get newest() {
    return this.entries.findLast(({ job, isNewest }) => isNewest && job.call === 'save' && !job.of)?.job ?? null;
  }

  /** @param {Job} job @param {string} reason */
  add(job, reason, isUndone = false) {
    if (isUndone) this.undone.set(job.data.op, job);
    else this.#store({ job, reason, at: Date.now(), isNewest: true });
    this.onChange();
  }

  // Something was saved after all of these.
  markOlder() {
    for (const entry of this.entries) if (entry.isNewest) this.#store({ ...entry, isNewest: false });
  }

  // The job, or null; parts of an operation that was saved otherwise go with it.
  /** @param {string | null | undefined} op */
  undo(op) {
    if (!op) return null;
    for (const { job } of this.entries) if (job.of === op) this.remove(job.data.op);
    const job = this.remove(op);
    if (job) this.undone.set(op, job);
    return job;
  }

  /** @param {string | null | undefined} op */
  redo(op) {
    const job = this.undone.get(op ?? '') ?? null;
    this.undone.delete(op ?? '');
    return job;
  }

  /** @param {string} op */
  remove(op) {
    const entry = this.entries.find(({ job }) => job.data.op === op);
    if (!entry) return null;
    store(this.prefix + op, null);
    this.unstored.delete(op);
    this.onChange();
    return entry.job;
  }

  /** @param {FailedSave} entry */
  #store(entry) {
    const { op } = entry.job.data;
    if (store(this.prefix + op, JSON.stringify(entry))) this.unstored.delete(op);
    else this.unstored.set(op, entry);
  }

  // What failed under a name that the annotator had before, or spelled in another way.
  /** @param {string} project @param {string} annotator @param {string[]} former */
  #adoptFormer(project, annotator, former) {
    for (const key of allKeys(failedPrefix(project))) {
      const owner = key.slice(failedPrefix(project).length);
      const person = owner.slice(0, owner.lastIndexOf(':'));
      const entry = parsed(key);
      const isOther = person !== annotator && [nameKey(annotator), ...former].includes(nameKey(person));
      if (!isOther || !entry?.job?.data?.op) continue;
      entry.job.data.as = annotator;
      if (store(this.prefix + entry.job.data.op, JSON.stringify(entry))) store(key, null);
    }
  }
}
