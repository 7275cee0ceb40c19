// One pair in the list: what the server said about it, and what the annotator did since.

const WORDS = { present: 'present', absent: 'absent', unsure: 'cannot tell', conflict: 'people disagree', unknown: 'unknown' };
const HOW = {
  human: '', accepted: 'accepted', accepted_in_bulk: 'in bulk', rejected: 'rejected', swept: 'rest absent', imported: 'imported', review: 'in review',
};

export const keyOf = (image, category) => `${image}:${category ?? ''}`;

export class Pair {
  constructor(row, categoryName) {
    Object.assign(this, { row, categoryName, pending: null, selected: false });
    this.answer = row.answer; // the newest one that the server is known to have
    this.key = keyOf(row.image, row.category);
  }

  // A flag about a whole image is listed like a pair but has no category to answer.
  get isPair() { return this.row.category !== null; }

  get state() { return stateOf(this.row); }

  get says() {
    const { score, ranked } = this.row;
    if (score === null) return '';
    const percent = Math.round(score * 100);
    return ranked ? `ranked above ${percent} % of images` : `model ${percent} %`;
  }

  get who() {
    const { row } = this;
    if (!this.isPair) return row.flags.map(({ by, note }) => (note ? `${by}: ${note}` : by)).join(' · ');
    if (row.conflict || !row.state) return row.opinions.map(({ by, state }) => `${by}: ${WORDS[state]}`).join(' · ');
    return [row.by, HOW[row.source]].filter(Boolean).join(' · ');
  }

  get words() {
    const parts = [this.categoryName, this.isPair ? WORDS[this.state] : 'flagged', this.who, this.says, this.row.name];
    if (this.row.disagreement) parts.push('the model disagrees');
    return parts.filter(Boolean).join(', ');
  }

  // What the row would be with another answer of this annotator.
  after(me, state, source) {
    const others = this.row.opinions.filter(({ mine }) => !mine);
    const own = state === 'cleared' ? [] : [{ by: me, mine: true, state, source, rank: source === 'review' ? 2 : 1 }];
    const opinions = [...others, ...own];
    return { ...this.row, opinions, ...verdict(opinions) };
  }

  wouldChange(me, state, source) {
    return this.isPair && stateOf(this.after(me, state, source)) !== this.state;
  }

  // Nothing to say again: the annotator's own word is this one already.
  isSaid(state, source) {
    const own = this.row.opinions.find(({ mine }) => mine);
    if (state === 'cleared') return !own;
    return own?.state === state && (own.rank === 2 || source !== 'review');
  }

  change(state, source, blind) {
    const { image, category, score, ranked } = this.row;
    return { image, category, state, source, score: ranked ? null : score, seen: this.answer, after: this.pending ?? blind };
  }

  // The server's word, unless a newer own operation is on its way.
  take(row) {
    if (this.pending) return;
    this.row = row;
    this.answer = row.answer;
  }
}

function stateOf({ state, conflict, opinions }) {
  if (conflict) return 'conflict';
  return state ?? (opinions.some((opinion) => opinion.state === 'unsure') ? 'unsure' : 'unknown');
}

// As the server adds opinions up: the highest rank counts, and there all have to agree.
function verdict(opinions) {
  const decided = opinions.filter(({ state }) => state === 'present' || state === 'absent');
  const best = decided.filter(({ rank }) => rank === Math.max(...decided.map((opinion) => opinion.rank)));
  const conflict = new Set(best.map(({ state }) => state)).size > 1;
  const last = best.at(-1);
  return { conflict, state: conflict ? null : last?.state ?? null, by: last?.by ?? '', source: last?.source ?? '' };
}
