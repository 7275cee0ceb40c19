// One image as the page knows it: what the server said, and what the annotator did since.

import { implicationsOf, isOpen } from './pair_rules.js';

/** @import { ById, Change, Decision, Fill, Flag, ImageMark, Implies, ItemData, Label, Opinion, Source, State } from '../shared/wire.d.ts' */
/** @import { Job } from '../shared/save_queue.js' */
/** @import { Contradiction, Implications } from './pair_rules.js' */
/** @import { Slots } from './digit_slots.js' */

/** @typedef {{ id: number, state: State, source: Source }} Answer to one category */
/** @typedef {[number, Label | undefined, boolean]} Before category id, its label and whether it was unsure */
/**
 * @typedef {object} Pair what a row shows
 * @property {string} state
 * @property {number | null} score
 * @property {boolean} suggested
 * @property {boolean} ranked
 * @property {string} by
 * @property {Decision | null} implied what it counts as, where nobody has answered it
 * @property {boolean} isContradicted
 * @property {boolean} isUnlikely
 * @property {string} explanation
 */

export class Item {
  /**
   * @param {ItemData} data
   * @param {Job[]} [jobs] operations that are not confirmed yet; those about this image show at once
   * @param {ById<Implies>} [implies] what a label of a category decides
   */
  constructor(data, jobs = [], implies = {}) {
    this.id = data.id;
    this.implies = implies;
    this.data = data;
    this.version = data.version;
    this.turn = 0; // of the album when it was fetched
    /** @type {Map<number, string>} */
    this.pending = new Map(); // category id -> newest own operation that is not acknowledged yet
    this.acknowledged = 0;
    this.scores = new Map(numbered(data.scores));
    this.suggested = new Set(data.suggested);
    this.offered = new Set(data.suggested); // when it came on the screen
    this.ranked = new Set(data.ranked);
    /** @type {ById<string>} */
    this.sources = data.sources ?? {}; // who suggests what the version does not know
    /** @type {Map<number, Label>} */
    this.labels = new Map();
    /** @type {Map<number, number | null>} */
    this.answers = new Map(); // category id -> newest answer that the server is known to have
    /** @type {Set<number>} */
    this.unsure = new Set();
    /** @type {Flag[]} */
    this.flags = [];
    this.bookmarked = false;
    /** @type {Map<number, Fill>} */
    this.filled = new Map();
    /** @type {Implications | null} */
    this.derived = null;
    /** @type {Slots | null} */
    this.slots = null; // the categories on the digits, once it was on the screen
    this.likely = data.likely; // categories worth a row, the likeliest first
    /** @type {Slots | null} */
    this.places = null; // those behind the slash and a digit
    this.worth = new Set(data.worth); // rows with digits that are worth reading
    this.takeLabels(data);
    for (const job of jobs) if (job.call === 'save' && job.data.image === this.id) this.#replay(job);
  }

  // Take the labels the server has now, but leave alone what the annotator did and it does not know yet.
  /** @param {ItemData} data */
  takeLabels(data) {
    const { labels: before, unsure } = this;
    this.labels = new Map(numbered(data.labels));
    this.answers = new Map([...this.labels].map(([id, label]) => [id, label.answer]));
    this.unsure = new Set(data.unsure);
    this.flags = data.flags ?? [];
    this.bookmarked = data.bookmarked ?? false;
    this.filled = new Map(numbered(data.filled ?? {}));
    this.derived = null;
    for (const id of this.pending.keys()) {
      restore(this.labels, id, before.get(id));
      mark(this.unsure, id, unsure.has(id));
    }
  }

  // Scores and marks of a newer version for what is open; what was decided and the order of the rows stay.
  /** @param {Opinion} opinion */
  adoptOpinion(opinion) {
    this.version = opinion.version;
    this.offered = new Set(opinion.suggested);
    this.#updateScores(opinion);
  }

  // What the labels known by now say about the rest. Bars move and marks may go, but no new one
  // comes: the key that accepts all that is suggested may be on its way.
  /** @param {Opinion | undefined} opinion */
  adoptScores(opinion) {
    if (opinion && opinion.version === this.version) this.#updateScores(opinion);
    this.likely = opinion?.likely ?? this.likely;
  }

  /** @param {Opinion} opinion */
  #updateScores({ scores, suggested, ranked, sources }) {
    this.sources = sources ?? {};
    const fresh = new Map(numbered(scores));
    const ids = new Set([...fresh.keys(), ...this.scores.keys(), ...suggested, ...this.suggested]);
    for (const id of ids) {
      if (!this.isOpen(id) || this.pending.has(id)) continue;
      const score = fresh.get(id);
      if (score === undefined) this.scores.delete(id); else this.scores.set(id, score);
      mark(this.suggested, id, suggested.includes(id) && this.offered.has(id));
      mark(this.ranked, id, ranked.includes(id));
    }
  }

  /** @param {number} id of a category */
  state(id) {
    const label = this.labels.get(id);
    if (label) return label.conflict ? 'conflict' : label.state ?? 'unknown';
    return this.unsure.has(id) ? 'unsure' : 'unknown';
  }

  // `nameOf` says a category's name: for what follows from another label, or contradicts it.
  /** @param {number} id @param {(id: number) => string} nameOf @returns {Pair} */
  pair(id, nameOf) {
    const label = this.labels.get(id);
    const implied = this.implied.get(id);
    const filled = this.isFilled(id) ? this.filled.get(id) : undefined;
    const contradiction = this.contradictions.find((two) => two.includes(id));
    return {
      state: this.state(id), score: this.scores.get(id) ?? null, suggested: this.suggested.has(id), ranked: this.ranked.has(id),
      by: label && !label.mine ? label.by : '', implied: (implied ?? filled)?.state ?? null, isContradicted: Boolean(contradiction),
      isUnlikely: this.isQuiet(id) && !this.worth.has(id),
      explanation: contradiction ? explainContradiction(contradiction, id, nameOf)
        : implied ? `because ${nameOf(implied.from)} is ${this.state(implied.from)}`
          : filled ? `filled in by certificate ${filled.certificate}`
            : this.isDoubtful(id) && this.sources[id] ? `suggested by ${this.sources[id]}` : '',
    };
  }

  // What follows from the labels, by category id; nobody is asked about that.
  get implied() { return this.#derive().implied; }

  get contradictions() { return this.#derive().contradictions; }

  #derive() {
    this.derived ??= implicationsOf(this.implies, this.labels);
    return this.derived;
  }

  // What would follow if some categories were present as well.
  /** @param {number[]} present */
  consequencesOf(present) {
    if (!present.length) return this.implied;
    const label = /** @type {Label} */ ({ state: 'present', answer: null, source: '', mine: true, by: '', conflict: false });
    return implicationsOf(this.implies, new Map([...this.labels, ...present.map((id) => /** @type {const} */ ([id, label]))])).implied;
  }

  // Filled in under a certificate: until somebody answers, nobody is asked.
  /** @param {number} id */
  isFilled(id) { return this.filled.has(id) && !this.labels.has(id) && !this.implied.has(id); }

  /** @param {number} id */
  isOpen(id) { return isOpen({ state: this.state(id), implied: this.implied.has(id), filled: this.filled.has(id) }); }

  // How far the image is; `mark_of` on the server.
  /** @param {number[]} categories in use @returns {ImageMark} */
  mark(categories) {
    const touched = categories.filter((id) => this.state(id) !== 'unknown');
    const isDone = !categories.some((id) => this.isOpen(id));
    return {
      image: this.id, standing: isDone ? 'done' : touched.length ? 'partly' : 'untouched',
      mine: touched.some((id) => this.labels.get(id)?.mine ?? true), // nobody else's doubts are here
    };
  }

  // Open, and sure enough to be accepted together with others.
  /** @param {number} id */
  isSuggested(id) { return this.suggested.has(id) && !this.ranked.has(id) && this.isOpen(id); }

  // Open, and more like the present ones than most; but that is no probability.
  /** @param {number} id */
  isDoubtful(id) { return this.suggested.has(id) && this.ranked.has(id) && this.isOpen(id); }

  // What is open and not marked; the marked ones where only they are left.
  /** @param {number[]} ids */
  restOf(ids) {
    const open = ids.filter((id) => this.isOpen(id));
    const unmarked = open.filter((id) => !this.suggested.has(id));
    return unmarked.length ? unmarked : open;
  }

  // Nobody has said anything about it, and nothing says that it may be present.
  /** @param {number} id */
  isQuiet(id) { return this.state(id) === 'unknown' && !this.suggested.has(id) && !this.implied.has(id) && this.filled.get(id)?.state !== 'present'; }

  /** @param {number} id @param {State} state @returns {Source} */
  source(id, state) {
    if (!this.suggested.has(id)) return 'human';
    return state === 'present' ? 'accepted' : state === 'absent' ? 'rejected' : 'human';
  }

  /** @param {number[]} ids @returns {Before[]} */
  snapshot(ids) { return ids.map((id) => [id, this.labels.get(id), this.unsure.has(id)]); }

  // Apply answers at once and return them as the server wants them. `untargeted`: an undo on its
  // way that may touch any pair, so the server has to take it as seen.
  /**
   * @param {string} op
   * @param {Answer[]} answers
   * @param {string | null} [untargeted]
   * @returns {Change[]}
   */
  apply(op, answers, untargeted = null) {
    return answers.map(({ id, state, source }) => {
      const change = {
        category: id, state, source, score: this.ranked.has(id) ? null : this.scores.get(id) ?? null,
        seen: this.answers.get(id) ?? null, after: this.pending.get(id) ?? untargeted,
      };
      this.#set(op, id, state, source);
      return change;
    });
  }

  /** @param {Job} job */
  #replay({ data: { op, changes = [] } }) {
    for (const { category, state, source = 'human' } of changes) this.#set(op, category, state, source);
  }

  /** @param {string} op @param {number} id @param {State} state @param {Source} source */
  #set(op, id, state, source) {
    const isDecided = state === 'present' || state === 'absent';
    restore(this.labels, id, isDecided ? { state, answer: null, source, mine: true, by: '', conflict: false } : undefined);
    mark(this.unsure, id, state === 'unsure');
    this.pending.set(id, op);
    this.derived = null;
  }

  /** @param {string} op @param {Before[]} snapshot */
  putBack(op, snapshot) {
    this.derived = null;
    for (const [id, label, unsure] of snapshot) {
      restore(this.labels, id, label);
      mark(this.unsure, id, unsure);
      this.pending.set(id, op);
    }
  }

  // Other categories decide what follows.
  /** @param {ById<Implies>} implies */
  useImplications(implies) {
    this.implies = implies;
    this.derived = null;
  }

  // The server committed an operation: its labels are the truth unless a newer own one is on its way.
  /** @param {string} op @param {Record<string, Label | null>} labels by category id */
  acknowledge(op, labels) {
    this.acknowledged += 1;
    this.derived = null;
    for (const [id, label] of numbered(labels)) {
      if (label) this.answers.set(id, label.answer); else this.answers.delete(id);
      if (this.pending.get(id) !== op && this.pending.has(id)) continue;
      this.pending.delete(id);
      restore(this.labels, id, label ?? undefined);
    }
  }

  /** @param {string} op */
  forget(op) {
    for (const [id, pending] of this.pending) if (pending === op) this.pending.delete(id);
  }
}

/** @param {Contradiction} contradiction @param {number} id @param {(id: number) => string} nameOf */
function explainContradiction([present, absent], id, nameOf) {
  return id === present ? `but ${nameOf(absent)} is absent` : `but ${nameOf(present)} is present`;
}

/**
 * @template T
 * @param {Record<string, T>} byId
 * @returns {[number, T][]}
 */
const numbered = (byId) => Object.entries(byId).map(([id, value]) => [Number(id), value]);

/** @template T @param {Map<number, T>} map @param {number} id @param {T | undefined} value */
function restore(map, id, value) {
  if (value) map.set(id, value); else map.delete(id);
}

/** @param {Set<number>} set @param {number} id @param {boolean} wanted */
function mark(set, id, wanted) {
  if (wanted) set.add(id); else set.delete(id);
}
