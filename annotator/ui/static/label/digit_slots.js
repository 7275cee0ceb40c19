// Which category each of the ten digits answers, from image to image.

export const DIGITS = [...'1234567890'];

/** @typedef {(number | null)[]} Slots a category id by place of the digit, null: none */

export class DigitSlots {
  /** @type {Slots} */
  #shown = DIGITS.map(() => null);

  /** @type {Map<number, number>} */
  #usual = new Map(); // category id -> the place it had first

  // Where the categories of the next image go. Who was there before keeps the digit; who comes gets
  // its usual one, unless that is taken. A digit that nobody needs stays with whom it was.
  /** @param {number[]} asked most worth asking first @returns {Slots} */
  place(asked) {
    const wanted = asked.slice(0, DIGITS.length);
    const next = this.#shown.map((id) => (id !== null && wanted.includes(id) ? id : null));
    const coming = wanted.filter((id) => !next.includes(id));
    for (const id of coming) {
      const usual = this.#usual.get(id);
      if (usual !== undefined && next[usual] === null) next[usual] = id;
    }
    for (const id of coming.filter((each) => !next.includes(each))) {
      const free = this.#leastUsual(next);
      next[free] = id;
      if (!this.#usual.has(id)) this.#usual.set(id, free);
    }
    return next.map((id, place) => id ?? this.#shown[place]);
  }

  // Returns those that are new on their digit; none are where nothing was shown before.
  /** @param {Slots} slots @returns {number[]} */
  show(slots) {
    const before = this.#shown;
    this.#shown = slots;
    if (before.every((id) => id === null)) return [];
    return slots.filter((id, place) => id !== null && id !== before[place]).map(Number);
  }

  // The free place that the fewest categories are used to.
  /** @param {Slots} slots */
  #leastUsual(slots) {
    const users = (/** @type {number} */ place) => [...this.#usual.values()].filter((each) => each === place).length;
    const free = slots.flatMap((id, place) => (id === null ? [place] : []));
    return free.reduce((best, place) => (users(place) < users(best) ? place : best));
  }
}
