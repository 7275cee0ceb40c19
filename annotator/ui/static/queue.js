// What the annotator did and the server has not confirmed yet: in order, each with an id, kept in the
// browser until it is committed. Sending one twice does nothing twice, so a retry is always safe.

const ALIVE_MS = 2000;
const ORPHAN_MS = 10000; // taking over the work of a tab that only sleeps sends it twice, which is safe

export class SaveQueue {
  constructor(server, project, { onState, onDone, onRefused, onStopped }) {
    Object.assign(this, { server, onState, onDone, onRefused, onStopped });
    this.prefix = `annotator-unsaved:${project}:`;
    this.alivePrefix = `annotator-alive:${project}:`;
    this.tab = this.#tabId();
    this.jobs = read(this.prefix + this.tab);
    this.fails = 0;
    this.busy = false;
    this.stopped = false;
    this.#stayAlive();
    this.adopt();
    addEventListener('beforeunload', (event) => { if (this.fails && this.pending) event.preventDefault(); });
  }

  get pending() { return this.jobs.filter((job) => job.call !== 'visit').length; }

  push(call, data) {
    this.jobs.push({ call, data });
    this.#keep();
    this.pump();
  }

  resume() {
    this.stopped = false;
    this.pump();
  }

  async pump() {
    if (this.busy || this.stopped) return;
    this.busy = true;
    while (this.jobs.length && !this.stopped) {
      const job = this.jobs[0];
      const result = await this.#send(job);
      if (result?.ok) this.#settle(() => this.onDone(job, result));
      else if (result?.need_name || result?.other_name) { this.stopped = true; this.onStopped(result); }
      else if (result?.refused) this.#settle(() => this.onRefused(job, result.message));
      else {
        this.fails += 1;
        this.onState(this.pending, this.fails);
        await new Promise((resolve) => { setTimeout(resolve, Math.min(5000, 250 * 2 ** this.fails)); });
      }
    }
    this.busy = false;
    this.onState(this.pending, this.fails);
  }

  async #send(job) {
    try {
      return await this.server[job.call](job.data);
    } catch {
      return null; // the server is away; the job stays where it is
    }
  }

  #settle(tell) {
    this.jobs.shift();
    this.fails = 0;
    this.#keep();
    tell();
  }

  #keep() {
    const key = this.prefix + this.tab;
    if (this.jobs.length) localStorage.setItem(key, JSON.stringify(this.jobs));
    else localStorage.removeItem(key);
    this.onState(this.pending, this.fails);
  }

  // A tab that was closed or crashed leaves its work behind; whoever is there takes it over.
  adopt() {
    const now = Date.now();
    for (const key of Object.keys(localStorage)) {
      if (!key.startsWith(this.prefix) || key === this.prefix + this.tab) continue;
      const seen = Number(localStorage.getItem(this.alivePrefix + key.slice(this.prefix.length)) ?? 0);
      if (now - seen < ORPHAN_MS) continue;
      this.jobs.push(...read(key));
      localStorage.removeItem(key);
      this.#keep();
    }
    this.pump();
  }

  #tabId() {
    const known = sessionStorage.getItem('annotator-tab');
    const seen = Number(localStorage.getItem(this.alivePrefix + known) ?? 0);
    const duplicated = Date.now() - seen < 3 * ALIVE_MS; // its original is still open
    const id = known && !duplicated ? known : crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}`;
    sessionStorage.setItem('annotator-tab', id);
    return id;
  }

  #stayAlive() {
    const key = this.alivePrefix + this.tab;
    const beat = () => localStorage.setItem(key, String(Date.now()));
    beat();
    setInterval(beat, ALIVE_MS);
    setInterval(() => this.adopt(), ORPHAN_MS / 2);
    addEventListener('pagehide', () => localStorage.removeItem(key));
    addEventListener('pageshow', beat);
    addEventListener('online', () => this.pump());
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
