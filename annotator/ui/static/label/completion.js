// What the keys that finish an image answer: what is suggested is present, the rest is absent.

/** @import { Answer, Item } from './item.js' */

/**
 * @typedef {object} Scope
 * @property {number[]} view categories that are answered
 * @property {number[]} listed all that could be
 */
/**
 * @typedef {object} Completion category ids
 * @property {number[]} present
 * @property {number[]} absent
 * @property {number[]} doubtful suggested, but not surely enough to be answered together with others
 * @property {number[]} elsewhere not in view
 */

// The last two stay unknown.
/** @param {Item} item @param {Scope} scope @returns {Completion} */
export function completionOf(item, { view, listed }) {
  const present = view.filter((id) => item.isSuggested(id));
  const follows = item.consequencesOf(present);
  const isLeft = (/** @type {number} */ id) => item.isOpen(id) && !follows.has(id) && !present.includes(id);
  const [doubtful, absent] = split(view.filter(isLeft), (id) => item.isDoubtful(id));
  const inView = new Set(view);
  return { present, absent, doubtful, elsewhere: listed.filter((id) => !inView.has(id) && isLeft(id)) };
}

// All that is listed, in view or not, the doubtful as well.
/** @param {Item} item @param {number[]} listed @returns {Completion} */
export function fullCompletionOf(item, listed) {
  const { present, absent, doubtful } = completionOf(item, { view: listed, listed });
  return { present, absent: [...absent, ...doubtful], doubtful: [], elsewhere: [] };
}

/** @param {number[]} ids @param {(id: number) => boolean} test */
const split = (ids, test) => [ids.filter(test), ids.filter((id) => !test(id))];

/** @param {Completion} completion @returns {Answer[]} */
export const answersOf = ({ present, absent }) => [
  ...present.map((id) => /** @type {Answer} */ ({ id, state: 'present', source: 'accepted_in_bulk' })),
  ...absent.map((id) => /** @type {Answer} */ ({ id, state: 'absent', source: 'swept' })),
];

/** @param {Completion} completion */
export function wordsOf(completion) {
  const { present, absent } = completion;
  const counts = [present.length && `${present.length} present`, absent.length && `${absent.length} absent`].filter(Boolean).join(', ');
  const parts = [counts, remainderOf(completion)];
  return parts.filter(Boolean).join(' · ');
}

// As the button says it: the number of each answer. No zeros, which would seem to deny what was marked by hand.
/** @param {Completion} completion */
export const signsOf = ({ present, absent }) => [present.length && `${present.length} ✓`, absent.length && `${absent.length} ✕`].filter(Boolean).join(' ');

// What stays unknown, in half a sentence.
/** @param {Completion} completion */
export function remainderOf({ doubtful, elsewhere }) {
  const parts = [elsewhere.length && `${elsewhere.length} not in view`, doubtful.length && `${doubtful.length} ✧ not sure enough`];
  return parts.filter(Boolean).join(' · ');
}
