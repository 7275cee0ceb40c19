// One image as the page knows it: what the server said, and what the annotator did since.

import { implications } from './hierarchy.js';

export class Item {
  // `jobs` are operations that are not confirmed yet; those about this image show at once.
  // `parents`: all ancestors of a category by its id.
  constructor(data, jobs = [], parents = new Map()) {
    this.id = data.id;
    this.parents = parents;
    this.data = data;
    this.version = data.version;
    this.pending = new Map(); // category id -> newest own operation that is not acknowledged yet
    this.acknowledged = 0;
    this.scores = new Map(numbered(data.scores));
    this.suggested = new Set(data.suggested);
    this.offered = new Set(data.suggested); // when it came on the screen
    this.ranked = new Set(data.ranked);
    this.takeLabels(data);
    for (const job of jobs) if (job.call === 'save' && job.data.image === this.id) this.#replay(job.data);
  }

  // Take the labels the server has now, but leave alone what the annotator did and it does not know yet.
  takeLabels(data) {
    const { labels: before, unsure } = this;
    this.labels = new Map(numbered(data.labels));
    this.answers = new Map([...this.labels].map(([id, label]) => [id, label.answer]));
    this.unsure = new Set(data.unsure);
    this.flags = data.flags ?? [];
    this.filled = new Map(numbered(data.filled ?? {}));
    this.derived = null;
    for (const id of this.pending.keys()) {
      restore(this.labels, id, before?.get(id));
      mark(this.unsure, id, unsure?.has(id));
    }
  }

  // Scores and marks of a newer version for what is open; what was decided and the order of the rows stay.
  adoptOpinion(data) {
    this.version = data.version;
    this.offered = new Set(data.suggested);
    this.#move(data);
  }

  // What the labels known by now say about the rest. Bars move and marks may go, but no new one
  // comes: the key that accepts all that is suggested may be on its way.
  adoptScores(data) {
    if (data && data.version === this.version) this.#move(data);
  }

  #move(data) {
    const fresh = new Map(numbered(data.scores));
    const ids = new Set([...fresh.keys(), ...this.scores.keys(), ...data.suggested, ...this.suggested]);
    for (const id of ids) {
      if (!this.isOpen(id) || this.pending.has(id)) continue;
      if (fresh.has(id)) this.scores.set(id, fresh.get(id)); else this.scores.delete(id);
      mark(this.suggested, id, data.suggested.includes(id) && this.offered.has(id));
      mark(this.ranked, id, data.ranked.includes(id));
    }
  }

  state(id) {
    const label = this.labels.get(id);
    if (label) return label.conflict ? 'conflict' : label.state ?? 'unknown';
    return this.unsure.has(id) ? 'unsure' : 'unknown';
  }

  // `nameOf` says a category's name: for what follows from another label, or contradicts it.
  pair(id, nameOf) {
    const label = this.labels.get(id);
    const implied = this.implied.get(id);
    const filled = this.isFilled(id) ? this.filled.get(id) : null;
    const clash = this.contradictions.find((two) => two.includes(id));
    return {
      state: this.state(id), score: this.scores.get(id) ?? null, suggested: this.suggested.has(id),
      ranked: this.ranked.has(id), by: label && !label.mine ? label.by : '', implied: (implied ?? filled)?.state ?? null, clash,
      why: clash ? contradiction(clash, id, nameOf) : implied ? `because ${this.#said(implied.because, nameOf)}`
        : filled ? `filled in by certificate ${filled.certificate}` : '',
    };
  }

  #said(id, nameOf) { return `${nameOf(id)} is ${this.state(id)}`; }

  // What follows from the labels, by category id; nobody is asked about that.
  get implied() { return this.#derive().implied; }

  // [child, parent] where the child is present and the parent absent.
  get contradictions() { return this.#derive().contradictions; }

  #derive() {
    this.derived ??= implications(this.parents, this.labels);
    return this.derived;
  }

  // Filled in under a certificate: until somebody answers, nobody is asked.
  isFilled(id) { return this.filled.has(id) && !this.labels.has(id) && !this.implied.has(id); }

  isOpen(id) { return this.state(id) === 'unknown' && !this.implied.has(id) && !this.filled.has(id); }

  // Nothing is said about it, and nothing suggested.
  isQuiet(id) { return this.state(id) === 'unknown' && !this.suggested.has(id) && !this.implied.has(id) && this.filled.get(id)?.state !== 'present'; }

  source(id, state) {
    if (!this.suggested.has(id)) return 'human';
    return { present: 'accepted', absent: 'rejected' }[state] ?? 'human';
  }

  snapshot(ids) { return ids.map((id) => [id, this.labels.get(id), this.unsure.has(id)]); }

  // Apply changes at once and return them as the server wants them. `blind`: an undo on its way
  // that may touch any pair, so the server has to take it as seen.
  apply(op, changes, blind = null) {
    return changes.map(({ id, state, source }) => {
      const change = {
        category: id, state, source, score: this.ranked.has(id) ? null : this.scores.get(id) ?? null,
        seen: this.answers.get(id) ?? null, after: this.pending.get(id) ?? blind,
      };
      this.#set(op, id, state, source);
      return change;
    });
  }

  #replay({ op, changes }) {
    for (const { category, state, source } of changes) this.#set(op, category, state, source);
  }

  #set(op, id, state, source) {
    const decided = state === 'present' || state === 'absent';
    restore(this.labels, id, decided && { state, answer: null, source, mine: true, by: '', conflict: false });
    mark(this.unsure, id, state === 'unsure');
    this.pending.set(id, op);
    this.derived = null;
  }

  putBack(op, snapshot) {
    this.derived = null;
    for (const [id, label, unsure] of snapshot) {
      restore(this.labels, id, label);
      mark(this.unsure, id, unsure);
      this.pending.set(id, op);
    }
  }

  // The server committed an operation: its labels are the truth unless a newer own one is on its way.
  acknowledge(op, labels) {
    this.acknowledged += 1;
    this.derived = null;
    for (const [id, label] of numbered(labels)) {
      if (label) this.answers.set(id, label.answer); else this.answers.delete(id);
      if (this.pending.get(id) !== op && this.pending.has(id)) continue;
      this.pending.delete(id);
      restore(this.labels, id, label);
    }
  }

  forget(op) {
    for (const [id, pending] of this.pending) if (pending === op) this.pending.delete(id);
  }
}

function contradiction([child, parent], id, nameOf) {
  return id === child ? `but ${nameOf(parent)} is absent` : `but ${nameOf(child)} is present`;
}

const numbered = (object) => Object.entries(object).map(([id, value]) => [Number(id), value]);

function restore(map, id, value) {
  if (value) map.set(id, value); else map.delete(id);
}

function mark(set, id, wanted) {
  if (wanted) set.add(id); else set.delete(id);
}
