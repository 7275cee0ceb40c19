// Answers that could not be saved, one key each in the browser's storage, so that all tabs see them
// and none overwrites what another puts in.

import { allKeys, asidePrefix, keep, parsed } from './browser_store.js';

export class Aside {
  constructor(project, annotator, former, onChange) {
    Object.assign(this, { prefix: asidePrefix(project, annotator), onChange });
    this.unkept = new Map(); // what the browser has no room for stays while the page is open
    this.taken = new Map(); // taken back with undo, for redo
    this.#takeOver(project, annotator, former);
    addEventListener('storage', ({ key }) => { if (!key || key.startsWith(this.prefix)) onChange(); });
  }

  // In the order in which they were put aside: {job, reason, at, isNewest}.
  get entries() {
    const kept = allKeys(this.prefix).map(parsed).filter((entry) => entry?.job?.data?.op);
    return [...kept, ...this.unkept.values()].sort((one, other) => one.at - other.at);
  }

  get count() { return allKeys(this.prefix).length + this.unkept.size; }

  get isKept() { return !this.unkept.size; }

  // The last one, if nothing that came after it was saved: an undo is about that one.
  get newest() {
    return this.entries.findLast(({ job, isNewest }) => isNewest && job.call === 'save' && !job.of)?.job.data.op ?? null;
  }

  put(job, reason, isTakenBack = false) {
    if (isTakenBack) this.taken.set(job.data.op, job);
    else this.#keep({ job, reason, at: Date.now(), isNewest: true });
    this.onChange();
  }

  // Something was saved after all of these.
  age() {
    for (const entry of this.entries) if (entry.isNewest) this.#keep({ ...entry, isNewest: false });
  }

  // The job, or null; parts of an operation that was saved otherwise go with it.
  takeBack(op) {
    if (!op) return null;
    for (const { job } of this.entries) if (job.of === op) this.remove(job.data.op);
    const job = this.remove(op);
    if (job) this.taken.set(op, job);
    return job;
  }

  bringBack(op) {
    const job = this.taken.get(op) ?? null;
    this.taken.delete(op);
    return job;
  }

  remove(op) {
    const entry = this.entries.find(({ job }) => job.data.op === op);
    if (!entry) return null;
    keep(this.prefix + op, null);
    this.unkept.delete(op);
    this.onChange();
    return entry.job;
  }

  #keep(entry) {
    const { op } = entry.job.data;
    if (keep(this.prefix + op, JSON.stringify(entry))) this.unkept.delete(op);
    else this.unkept.set(op, entry);
  }

  // What was put aside under a name that the annotator had before.
  #takeOver(project, annotator, former) {
    for (const key of allKeys(asidePrefix(project))) {
      const rest = key.slice(asidePrefix(project).length);
      const person = rest.slice(0, rest.lastIndexOf(':'));
      const entry = parsed(key);
      if (!former.includes(person.toLowerCase()) || !entry?.job?.data?.op) continue;
      entry.job.data.as = annotator;
      if (keep(this.prefix + entry.job.data.op, JSON.stringify(entry))) keep(key, null);
    }
  }
}
