// What the annotator did and the server has not confirmed yet: in order, each with an id, kept in the
// browser until it is committed. Sending one twice does nothing twice, so a retry is always safe.

import { pause } from './server.js';
import { randomId } from './dom.js';

const ALIVE_MS = 2000;
const ORPHAN_MS = 10000; // taking over the work of a tab that only sleeps sends it twice, which is safe
const SLOWEST_MS = 5000;

export class SaveQueue {
  constructor(server, { project, annotator, page }, { onState, onDone, onRefused, onStopped }) {
    Object.assign(this, { server, page, onState, onDone, onRefused, onStopped });
    // With the name in it, so that nobody's answers are ever sent under another name.
    this.prefix = `annotator-unsaved:${project}:${annotator}:`;
    this.alivePrefix = `annotator-alive:${project}:`;
    this.tab = this.#tabId();
    this.jobs = read(this.prefix + this.tab);
    Object.assign(this, { fails: 0, trouble: '', busy: false, stopped: false, wake: () => {} });
    this.#stayAlive();
    this.adopt();
  }

  get pending() { return this.jobs.filter((job) => job.call !== 'visit').length; }

  // The newest undo or redo on its way of which only the server knows what it touches.
  get blind() {
    return this.jobs.findLast((job) => ['undo', 'redo'].includes(job.call) && !job.target)?.data.op ?? null;
  }

  push(call, data, about = {}) {
    this.jobs.push({ call, data, page: this.page, ...about });
    this.#keep();
    this.pump();
  }

  // Give up jobs that make no sense any more, such as the undo of something that was refused.
  drop(unwanted) {
    this.jobs = this.jobs.filter((job) => !unwanted(job));
    this.#keep();
  }

  resume() {
    this.stopped = false;
    this.pump();
  }

  async pump() {
    if (this.busy || this.stopped) return;
    this.busy = true;
    while (this.jobs.length && !this.stopped) await this.#sendFirst();
    this.busy = false;
    this.#report();
  }

  async #sendFirst() {
    const job = this.jobs[0];
    const result = await this.server.call(job.call, job.data);
    if (result.ok) this.#settle(job, () => this.onDone(job, result));
    else if (result.need_name || result.other_name) {
      this.stopped = true;
      this.onStopped(result);
    } else if (result.refused) this.#settle(job, () => this.onRefused(job, result.message));
    else {
      this.fails += 1;
      this.trouble = result.message ?? '';
      this.#report();
      await Promise.race([pause(Math.min(SLOWEST_MS, 250 * 2 ** this.fails)), new Promise((resolve) => { this.wake = resolve; })]);
    }
  }

  #settle(job, tell) {
    this.jobs = this.jobs.filter((other) => other !== job);
    Object.assign(this, { fails: 0, trouble: '' });
    this.#keep();
    tell();
  }

  #report() { this.onState({ pending: this.pending, fails: this.fails, trouble: this.trouble, kept: this.kept !== false }); }

  #keep() {
    const key = this.prefix + this.tab;
    try {
      if (this.jobs.length) localStorage.setItem(key, JSON.stringify(this.jobs));
      else localStorage.removeItem(key);
      this.kept = true;
    } catch {
      this.kept = false; // the browser's storage is full or switched off; the page says so
    }
    this.#report();
  }

  // A tab that was closed or crashed leaves its work behind; whoever is there takes it over.
  adopt() {
    const now = Date.now();
    for (const key of Object.keys(localStorage)) {
      if (!key.startsWith(this.prefix) || key === this.prefix + this.tab) continue;
      const seen = Number(localStorage.getItem(this.alivePrefix + key.slice(this.prefix.length)) ?? 0);
      if (now - seen < ORPHAN_MS) continue;
      this.jobs.push(...read(key).map((job) => ({ ...job, adopted: true })));
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
    const beat = () => { try { localStorage.setItem(key, String(Date.now())); } catch { this.kept = false; } };
    beat();
    setInterval(beat, ALIVE_MS);
    setInterval(() => this.adopt(), ORPHAN_MS / 2);
    addEventListener('pagehide', () => localStorage.removeItem(key));
    addEventListener('pageshow', beat);
    addEventListener('online', () => this.wake());
  }
}

function read(key) {
  try {
    const jobs = JSON.parse(localStorage.getItem(key) ?? '[]');
    return Array.isArray(jobs) ? jobs.filter((job) => job?.call && job?.data) : [];
  } catch {
    return [];
  }
}
