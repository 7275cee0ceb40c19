// The categories in the order of the Verify page, and what is open in each.

/** @import { About } from './image_page.js' */
/** @import { ById, Category, CategoryCounts, Mode } from '../shared/wire.d.ts' */

export class CategoryOrder {
  // The order stays until the categories change, so that the keys lead to the same places.
  /** @param {Category[]} categories @param {ById<CategoryCounts>} counts */
  constructor(categories, counts) {
    this.categories = categories;
    this.byId = new Map(categories.map((category) => [category.id, category]));
    this.counts = counts;
    this.ids = [...categories].sort((one, other) => this.#priority(other.id) - this.#priority(one.id)).map(({ id }) => id);
  }

  // What is suggested brings most: presents are rare and worth many absents.
  /** @param {number} id */
  #priority(id) {
    const { suggested, uncertain, open } = this.of(id);
    return (suggested ?? 0) * 1e6 + (uncertain ?? 0) + (open ?? 0) * 1e-6;
  }

  /** @param {number} id @returns {Partial<CategoryCounts>} */
  of(id) { return this.counts[id] ?? {}; }

  /** @param {number} id */
  nameOf(id) { return this.byId.get(id)?.name ?? ''; }

  // Whether the model knows it.
  /** @param {number} id */
  isTaught(id) { return Boolean(this.of(id).taught); }

  // The mode that a category opens in: the wanted one, unless it would be empty, as where the model can only rank.
  /** @param {number} id @param {Mode} wanted @returns {Mode} */
  modeFor(id, wanted) {
    const { taught, suggested, uncertain, calibrated, open } = this.of(id);
    if (!taught) return 'like';
    if (wanted !== 'confirm' || suggested !== 0 || !open) return wanted;
    if (uncertain) return 'uncertain';
    return calibrated ? 'sweep' : 'like';
  }

  // A large project is counted in the background.
  get isCounted() { return Object.values(this.counts).every(({ suggested }) => suggested !== null); }

  /** @param {ById<CategoryCounts>} counts */
  setCounts(counts) { this.counts = counts; }

  // Answers given on this page, before the server has counted them.
  /** @param {number} id @param {Record<'open' | 'suggested' | 'uncertain' | 'present', number>} steps */
  move(id, steps) {
    const row = this.counts[id];
    if (!row) return;
    for (const what of /** @type {const} */ (['open', 'suggested', 'uncertain', 'present'])) {
      const count = row[what];
      if (count != null) row[what] = Math.max(0, count + steps[what]);
    }
  }

  // The category some steps on, round and round; those that do not fit are passed over.
  /** @param {number | null} from @param {number} step @param {(counts: Partial<CategoryCounts>) => boolean} [fits] */
  neighbour(from, step, fits = () => true) {
    const { ids } = this;
    const start = from === null ? -1 : ids.indexOf(from);
    for (let far = 1; far < ids.length; far += 1) {
      const id = ids[(start + step * far + ids.length * far) % ids.length];
      if (fits(this.of(id))) return id;
    }
    return null;
  }

  // What is one key away; `chosen`: the mode in which other categories open.
  /** @param {About} about @param {Mode} chosen @returns {About[]} */
  near({ category, mode }, chosen) {
    const isOpen = (/** @type {Partial<CategoryCounts>} */ { open }) => Boolean(open);
    const neighbours = [this.neighbour(category, 1, isOpen), this.neighbour(category, -1, isOpen)].filter((id) => id !== null);
    /** @type {Mode[]} */
    const modes = this.isTaught(category) ? ['confirm', 'sweep', 'uncertain', 'like'] : [];
    return [...neighbours.map((id) => ({ category: id, mode: this.modeFor(id, chosen), like: null })),
      ...modes.filter((other) => other !== mode).map((other) => ({ category, mode: other, like: null }))];
  }
}
