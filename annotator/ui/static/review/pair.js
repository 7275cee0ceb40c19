// One pair in the list: what the server said about it, and what the annotator did since.

/** @import { Change, Decision, ReviewOpinion, ReviewRow, Source, State } from '../shared/wire.d.ts' */

/** @type {Record<string, string | undefined>} */
const WORDS = { unsure: 'cannot tell', conflict: 'people disagree' };
/** @type {Record<Source | '', string>} */
const SOURCES = {
  '': '', human: '', accepted: 'accepted', accepted_in_bulk: 'in bulk', rejected: 'rejected', swept: 'rest absent', imported: 'imported', review: 'in review',
};

/** @param {number | string} image @param {number | string | null} category */
export const keyOf = (image, category) => `${image}:${category ?? ''}`;

/** @param {string} state */
export const stateText = (state) => WORDS[state] ?? state;

export class Pair {
  /** @param {ReviewRow} row @param {string} categoryName */
  constructor(row, categoryName) {
    this.row = row;
    this.categoryName = categoryName;
    /** @type {string | null} */
    this.pending = null; // newest own operation that is not acknowledged yet
    this.isSelected = false;
    this.isDrawn = false; // its image has been seen
    this.answer = row.answer; // the newest one that the server is known to have
    this.key = keyOf(row.image, row.category);
  }

  // A flag about a whole image is listed like a pair but has no category to answer.
  get isPair() { return this.row.category !== null; }

  get state() { return stateOf(this.row); }

  get scoreText() {
    const { score, ranked } = this.row;
    if (score === null) return '';
    const percent = Math.round(score * 100);
    return ranked ? `ranked above ${percent} % of images` : `model ${percent} %`;
  }

  get whoText() {
    const { row } = this;
    if (!this.isPair) return row.flags.map(({ by, note }) => (note ? `${by}: ${note}` : by)).join(' · ');
    if (row.conflict || !row.state) return row.opinions.map(({ by, state }) => `${by}: ${stateText(state)}`).join(' · ');
    return [row.by, SOURCES[row.source]].filter(Boolean).join(' · ');
  }

  get text() {
    const parts = [this.categoryName, this.isPair ? stateText(this.state) : 'flagged', this.whoText, this.scoreText, this.row.name];
    if (this.row.disagreement) parts.push('the model disagrees');
    return parts.filter(Boolean).join(', ');
  }

  // What the row would be with another answer of this annotator.
  /** @param {string} me @param {State} state @param {Source} source @returns {ReviewRow} */
  withAnswer(me, state, source) {
    const others = this.row.opinions.filter(({ mine }) => !mine);
    const own = state === 'cleared' ? [] : [{ by: me, mine: true, state, source, rank: source === 'review' ? 2 : 1 }];
    const opinions = [...others, ...own];
    return { ...this.row, opinions, ...verdict(opinions) };
  }

  // What it is until the server answers.
  /** @param {ReviewRow} row @param {string} op */
  replace(row, op) {
    this.row = row;
    this.pending = op;
  }

  /** @param {string} me @param {State} state @param {Source} source */
  wouldChange(me, state, source) {
    return this.isPair && stateOf(this.withAnswer(me, state, source)) !== this.state;
  }

  // Nothing to say again: the annotator's own answer is this one already.
  /** @param {State} state @param {Source} source */
  isAnswered(state, source) {
    const own = this.row.opinions.find(({ mine }) => mine);
    if (state === 'cleared') return !own;
    return own?.state === state && (own.rank === 2 || source !== 'review');
  }

  /** @param {State} state @param {Source} source @param {string | null} untargeted @returns {Change} */
  change(state, source, untargeted) {
    const { image, category, score, ranked } = this.row;
    return { image, category: category ?? 0, state, source, score: ranked ? null : score, seen: this.answer, after: this.pending ?? untargeted };
  }

  // The server's word, unless a newer own operation is on its way.
  /** @param {ReviewRow} row */
  take(row) {
    if (this.pending) return;
    this.row = row;
    this.answer = row.answer;
  }
}

/** @param {Pick<ReviewRow, 'state' | 'conflict' | 'opinions'>} row */
function stateOf({ state, conflict, opinions }) {
  if (conflict) return 'conflict';
  return state ?? (opinions.some((opinion) => opinion.state === 'unsure') ? 'unsure' : 'unknown');
}

// As the server adds opinions up: the highest rank counts, and there all have to agree.
/** @param {ReviewOpinion[]} opinions @returns {Pick<ReviewRow, 'conflict' | 'state' | 'by' | 'source'>} */
function verdict(opinions) {
  const decided = opinions.filter(({ state }) => state === 'present' || state === 'absent');
  const best = decided.filter(({ rank }) => rank === Math.max(...decided.map((opinion) => opinion.rank)));
  const conflict = new Set(best.map(({ state }) => state)).size > 1;
  const last = best.at(-1);
  return { conflict, state: conflict ? null : /** @type {Decision | undefined} */ (last?.state) ?? null, by: last?.by ?? '', source: last?.source ?? '' };
}
