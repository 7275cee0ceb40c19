// One image as the page knows it: what the server said, and what the annotator did since.

export class Item {
  constructor(data) {
    this.id = data.id;
    this.pending = new Map(); // category id -> newest own operation that is not acknowledged yet
    this.update(data);
  }

  // Take what the server says now, but leave alone what the annotator did and it does not know yet.
  update(data) {
    const before = this.labels;
    const unsure = this.unsure;
    this.data = data;
    this.labels = new Map(Object.entries(data.labels).map(([id, label]) => [Number(id), label]));
    this.answers = new Map([...this.labels].map(([id, label]) => [id, label.answer]));
    this.unsure = new Set(data.unsure);
    for (const id of this.pending.keys()) {
      restore(this.labels, id, before?.get(id));
      if (unsure?.has(id)) this.unsure.add(id); else this.unsure.delete(id);
    }
    this.suggested = new Set(data.suggested);
    this.ranked = new Set(data.ranked);
  }

  // Scores and marks of a newer version; the labels and the order of the rows stay.
  adoptOpinion(data) {
    this.data = { ...data, ask: this.data.ask };
    this.suggested = new Set(data.suggested);
    this.ranked = new Set(data.ranked);
  }

  state(id) {
    const label = this.labels.get(id);
    if (label) return label.conflict ? 'conflict' : label.state ?? 'unknown';
    return this.unsure.has(id) ? 'unsure' : 'unknown';
  }

  pair(id) {
    const label = this.labels.get(id);
    return {
      state: this.state(id), score: this.data.scores[String(id)] ?? null, suggested: this.suggested.has(id),
      ranked: this.ranked.has(id), waiting: this.pending.has(id), by: label && !label.mine ? label.by : '',
    };
  }

  isOpen(id) { return !this.labels.has(id); }

  source(id, state) {
    if (!this.suggested.has(id) || !this.isOpen(id)) return 'human';
    return { present: 'accepted', absent: 'rejected' }[state] ?? 'human';
  }

  snapshot(ids) { return ids.map((id) => [id, this.labels.get(id), this.unsure.has(id)]); }

  // Apply changes at once and return them as the server wants them.
  apply(op, changes) {
    return changes.map(({ id, state, source }) => {
      const change = {
        category: id, state, source, score: this.data.scores[String(id)] ?? null,
        seen: this.answers.get(id) ?? null, after: this.pending.get(id) ?? null,
      };
      if (state === 'present' || state === 'absent') {
        this.labels.set(id, { state, answer: null, source, mine: true, by: '', conflict: false });
      } else this.labels.delete(id);
      if (state === 'unsure') this.unsure.add(id); else this.unsure.delete(id);
      this.pending.set(id, op);
      return change;
    });
  }

  putBack(op, snapshot) {
    for (const [id, label, unsure] of snapshot) {
      restore(this.labels, id, label);
      if (unsure) this.unsure.add(id); else this.unsure.delete(id);
      this.pending.set(id, op);
    }
  }

  // The server committed an operation: its labels are the truth unless a newer own one is on its way.
  acknowledge(op, labels) {
    for (const [key, label] of Object.entries(labels)) {
      const id = Number(key);
      if (label) this.answers.set(id, label.answer); else this.answers.delete(id);
      if (this.pending.get(id) !== op && this.pending.has(id)) continue;
      this.pending.delete(id);
      restore(this.labels, id, label ?? undefined);
    }
  }

  forget(op) {
    for (const [id, pending] of this.pending) if (pending === op) this.pending.delete(id);
  }
}

function restore(map, id, value) {
  if (value) map.set(id, value); else map.delete(id);
}
