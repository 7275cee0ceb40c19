// Which category each of the ten digits answers, from image to image.

export const DIGITS = [...'1234567890'];

/** @typedef {(number | null)[]} Slots a category id by place of the digit, null: none */

export class DigitSlots {
  /** @type {Slots} */
  #shown = DIGITS.map(() => null);

  /** @type {Map<number, number>} */
  #usual = new Map(); // category id -> the place it had first

  // Where the categories of the next image go. Who was there before keeps the digit unless one of the
  // `keen` most worth asking needs it, or nothing is open there; who comes gets its usual one, if it may.
  /** @param {number[]} asked most worth asking first @param {number} keen @param {(id: number) => boolean} isOpen @returns {Slots} */
  place(asked, keen, isOpen) {
    const wanted = asked.slice(0, DIGITS.length);
    const first = wanted.slice(0, keen);
    const next = [...this.#shown];
    const coming = wanted.filter((id) => !next.includes(id));
    const mayTake = (/** @type {number} */ id, /** @type {number} */ place) => {
      const holder = next[place];
      return holder === null || !isOpen(holder) || (first.includes(id) && !first.includes(holder));
    };
    for (const id of coming) {
      const usual = this.#usual.get(id);
      if (usual !== undefined && mayTake(id, usual)) next[usual] = id;
    }
    for (const id of coming.filter((each) => !next.includes(each))) {
      const free = this.#leastMissed(next.flatMap((_, place) => (mayTake(id, place) ? [place] : [])), next, wanted);
      if (free === undefined) continue;
      next[free] = id;
      if (!this.#usual.has(id)) this.#usual.set(id, free);
    }
    return next;
  }

  // Returns those that are new on their digit; none are where nothing was shown before.
  /** @param {Slots} slots @returns {number[]} */
  show(slots) {
    const before = this.#shown;
    this.#shown = slots;
    if (before.every((id) => id === null)) return [];
    return slots.filter((id, place) => id !== null && id !== before[place]).map(Number);
  }

  // Of some places, the one whose category is least worth asking, then the one that the fewest are used to.
  /** @param {number[]} places @param {Slots} slots @param {number[]} wanted @returns {number | undefined} */
  #leastMissed(places, slots, wanted) {
    const worth = (/** @type {number} */ place) => {
      const rank = wanted.indexOf(slots[place] ?? -1);
      return rank < 0 ? 0 : wanted.length - rank;
    };
    const users = (/** @type {number} */ place) => [...this.#usual.values()].filter((each) => each === place).length;
    return places.sort((one, other) => worth(one) - worth(other) || users(one) - users(other) || one - other)[0];
  }
}
