// What the Verify page says: the modes, the sentence over the grid, and that nothing is left.

import { formatNumber, h } from '../shared/dom.js';
import { takesBack } from '../shared/key_or_button.js';

/** @import { Agreement, CategoryCounts, Mode } from '../shared/wire.d.ts' */
/** @import { ImagePage } from './image_page.js' */

/** @typedef {Partial<CategoryCounts>} Counts */
/** @typedef {{ mode: Mode, label: string, count: (counts: Counts) => number | null }} ModeTab */

/** @type {ModeTab[]} */
export const MODES = [
  { mode: 'confirm', label: 'Confirm the likely', count: ({ suggested }) => suggested ?? null },
  { mode: 'sweep', label: 'Sweep the unlikely', count: ({ suggested, open }) => (suggested == null ? null : Math.max(0, (open ?? 0) - suggested)) },
  { mode: 'uncertain', label: 'Decide the uncertain', count: ({ uncertain }) => uncertain ?? null },
  { mode: 'like', label: 'More like these', count: () => null },
];

const ONLY_MARKED = 'Only what you mark is saved; “Rest absent” marks all others that were in view.';

const RANKED = {
  confirm: 'these look most like it', sweep: 'these look least like it', uncertain: 'these are in between', like: '',
};

// What is in front of the annotator, as text and elements: the name may be in any script.
/** @param {ImagePage} page @param {string} category @returns {(string | Node)[]} */
export function sentence({ basis, bulk, about: { mode, like } }, category) {
  const name = h('b', { text: category, dir: 'auto' });
  if (basis === 'diversity') return ['Nobody has found ', name, ' yet. Mark the images that show it, and the next page shows more like them. ', ONLY_MARKED];
  if (basis === 'predictors') return ['Nobody has found ', name, ' yet: predictors rank these highest. Mark the images that show it. ', ONLY_MARKED];
  if (basis === 'files') return ['There is nothing to rank images for ', name, ' by yet: they come in file order. ', ONLY_MARKED];
  if (basis === 'likeness' || basis === 'selection') return likeness(name, bulk, basis === 'likeness' ? like : 'selection');
  if (!bulk) return ['The model has too few answers to be sure about ', name, `: ${RANKED[mode]}. `, ONLY_MARKED];
  if (mode === 'confirm') return ['The model finds ', name, ' in all of these. Flip the ones without it; the others are saved as they are.'];
  if (mode === 'sweep') return ['The model finds no ', name, ' in any of these. Flip the ones that show it; the others are saved as they are.'];
  return ['The model is not sure about ', name, ' here. Its guess has a dashed border: flip where it is wrong.'];
}

/** @param {Node} name @param {boolean} bulk @param {number | null | 'selection'} like */
function likeness(name, bulk, like) {
  const chosen = `Images that look like ${like === 'selection' ? 'those that the list is sorted by' : 'the one you chose'}, asked for `;
  const these = like === null ? ['Images that look like those with ', name] : [chosen, name];
  return [...these, '. ', bulk ? 'The model\'s guess has a dashed border: flip where it is wrong.' : ONLY_MARKED];
}

// Why the grid is empty, and another mode of this category in which something waits.
/** @param {ImagePage} page @param {Counts} counts @param {string} name */
export function nothingLeft(page, counts, name) {
  const { mode } = page.about;
  const place = counts.taught ? MODES.findIndex((each) => each.mode !== mode && (each.count(counts) ?? 0) > 0) : -1;
  const seek = counts.rare && mode !== 'like' ? { mode: MODES[3].mode, place: 3, label: `Look for more like the ${counts.present} found` } : null;
  const other = seek ?? (place < 0 ? null : { mode: MODES[place].mode, place, label: `${MODES[place].label} (${formatNumber(MODES[place].count(counts) ?? 0)})` });
  if (page.elsewhere) return { title: 'Someone else is labelling these', text: `The images that are left here for ${name} are on someone else's screen. They come back in ten minutes if they are not answered.`, other };
  if (!counts.open) return { title: `${name} is done`, text: 'Every image has an answer for this category.', other: null };
  const text = {
    confirm: `The model suggests ${name} in no further image.`, sweep: `Everything that the model finds unlikely for ${name} has an answer.`,
    uncertain: `The model is sure about all that is left open for ${name}.`, like: `There are no more images to compare for ${name}; those that you left unmarked come back when you reload the page.`,
  }[mode];
  return { title: 'Nothing left here', text, other };
}

export const CHECKS = 'A page may ask again, unmarked among the others, for an image that people have answered, to see whether pages are looked at. '
  + 'Its label stays as it is; an answer that differs waits on the Review page.';

// How the checks were answered; what differs leads to where it is decided.
/** @param {Agreement} agreement @returns {(string | Node)[]} */
export function agreementText({ checks, agreed, most }) {
  if (!checks) return [];
  const which = checks === most ? `the last ${checks} images` : checks === 1 ? '1 image' : `${checks} images`;
  const text = `Checks: ${which} asked again, ${agreed} answered as before`;
  return agreed === checks ? [text] : [`${text}, `, h('a', { href: 'review#show=checks', text: `${checks - agreed} otherwise` })];
}

/** @param {{ present: number, absent: number, unsure: number, open: number }} tally */
export function tallyText({ present, absent, unsure, open }) {
  const parts = [present && `${present} present`, absent && `${absent} absent`, unsure && `${unsure} cannot tell`, open && `${open} not marked`];
  return parts.filter(Boolean).join(' · ');
}

/** @param {number} saved @param {number} unseen */
export function savedText(saved, unseen) {
  if (unseen) return `${saved} of ${saved + unseen} saved; ${unseen} ${unseen === 1 ? 'was' : 'were'} not in view and ${unseen === 1 ? 'comes' : 'come'} back.`;
  return saved ? `${saved} saved. ${takesBack('them')}` : 'Nothing was marked; these stay open.';
}
