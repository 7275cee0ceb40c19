// When a pair is open, and what one label says about others: that is shown and never stored. Which
// labels follow from which is the server's rule and comes as `implies`.

/** @import { ById, Decision, Implies, Label } from '../shared/wire.d.ts' */

/** @typedef {{ state: Decision, from: number }} Implied a label that follows from that of the category `from` */
/** @typedef {[number, number]} Contradiction a present category, and an absent one that had to be present, too */
/** @typedef {{ implied: Map<number, Implied>, contradictions: Contradiction[] }} Implications */

// Whether a pair is open: nobody has answered it, no other answer implies it and no certificate has
// filled it in. `is_open` on the server.
/** @param {{ state: string, implied: unknown, filled: unknown }} pair */
export const isOpen = ({ state, implied, filled }) => state === 'unknown' && !implied && !filled;

// Where a category would have to be present and absent, it stays unknown: there is a contradiction
// further up.
/**
 * @param {ById<Implies>} implies
 * @param {Map<number, Label>} labels what people said, by category id
 * @returns {Implications}
 */
export function implicationsOf(implies, labels) {
  /** @type {Implications} */
  const { implied, contradictions } = { implied: new Map(), contradictions: [] };
  const torn = new Set();
  for (const [key, decides] of Object.entries(implies)) {
    const id = Number(key);
    const state = labels.get(id)?.state;
    if (!state) continue;
    for (const other of decides[state]) {
      const said = labels.get(other);
      if (said) {
        if (state === 'present' && said.state === 'absent') contradictions.push([id, other]);
        continue;
      }
      const known = implied.get(other);
      if (!known) implied.set(other, { state, from: id });
      else if (known.state !== state) torn.add(other);
    }
  }
  for (const id of torn) implied.delete(id);
  return { implied, contradictions };
}
