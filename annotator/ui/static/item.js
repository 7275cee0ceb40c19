// One image as the page knows it: what the server said, and what the annotator did since.

export class Item {
  // `jobs` are operations that are not confirmed yet; those about this image show at once.
  constructor(data, jobs = []) {
    this.id = data.id;
    this.data = data;
    this.version = data.version;
    this.pending = new Map(); // category id -> newest own operation that is not acknowledged yet
    this.acknowledged = 0;
    this.scores = new Map(numbered(data.scores));
    this.suggested = new Set(data.suggested);
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
    for (const id of this.pending.keys()) {
      restore(this.labels, id, before?.get(id));
      mark(this.unsure, id, unsure?.has(id));
    }
  }

  // Scores and marks of a newer version for what is open; what was decided and the order of the rows stay.
  adoptOpinion(data) {
    this.version = data.version;
    const fresh = new Map(numbered(data.scores));
    const ids = new Set([...fresh.keys(), ...this.scores.keys(), ...data.suggested, ...this.suggested]);
    for (const id of ids) {
      if (!this.isOpen(id)) continue;
      if (fresh.has(id)) this.scores.set(id, fresh.get(id)); else this.scores.delete(id);
      mark(this.suggested, id, data.suggested.includes(id));
      mark(this.ranked, id, data.ranked.includes(id));
    }
  }

  state(id) {
    const label = this.labels.get(id);
    if (label) return label.conflict ? 'conflict' : label.state ?? 'unknown';
    return this.unsure.has(id) ? 'unsure' : 'unknown';
  }

  pair(id) {
    const label = this.labels.get(id);
    return {
      state: this.state(id), score: this.scores.get(id) ?? null, suggested: this.suggested.has(id),
      ranked: this.ranked.has(id), by: label && !label.mine ? label.by : '',
    };
  }

  isOpen(id) { return this.state(id) === 'unknown'; }

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
  }

  putBack(op, snapshot) {
    for (const [id, label, unsure] of snapshot) {
      restore(this.labels, id, label);
      mark(this.unsure, id, unsure);
      this.pending.set(id, op);
    }
  }

  // The server committed an operation: its labels are the truth unless a newer own one is on its way.
  acknowledge(op, labels) {
    this.acknowledged += 1;
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

const numbered = (object) => Object.entries(object).map(([id, value]) => [Number(id), value]);

function restore(map, id, value) {
  if (value) map.set(id, value); else map.delete(id);
}

function mark(set, id, wanted) {
  if (wanted) set.add(id); else set.delete(id);
}
