// What the Verify page says: the modes, the sentence over the grid, and that nothing is left.

import { h } from '../shared/dom.js';

export const MODES = [
  { mode: 'confirm', label: 'Confirm the likely', counts: (row) => row?.suggested ?? null },
  { mode: 'sweep', label: 'Sweep the unlikely', counts: (row) => (row?.suggested == null ? null : Math.max(0, row.open - row.suggested)) },
  { mode: 'uncertain', label: 'Decide the uncertain', counts: (row) => row?.uncertain ?? null },
  { mode: 'like', label: 'More like these', counts: null },
];

const ONLY_MARKED = 'Only what you mark is saved; “Rest absent” marks all others that were in view.';

// What is in front of the annotator, as text and elements: the name may be in any script.
export function sentence(page, category) {
  const name = h('b', { text: category, dir: 'auto' });
  const { basis, bulk, about: { mode, like } } = page;
  if (basis === 'diversity') return ['Nobody has found ', name, ' yet. Mark the images that show it, and the page looks for more like them. ', ONLY_MARKED];
  if (basis === 'files') return ['Nothing to go by for ', name, ' yet: the images come in file order. ', ONLY_MARKED];
  if (basis === 'likeness') return likeness(name, bulk, like);
  if (!bulk) return ['The model has too few answers to be sure of ', name, `: ${RANKED[mode]}. `, ONLY_MARKED];
  return {
    confirm: ['The model finds ', name, ' in all of these. Flip the ones without it; the others are saved as they are.'],
    sweep: ['The model finds no ', name, ' in any of these. Flip the ones that show it; the others are saved as they are.'],
    uncertain: ['The model is not sure about ', name, ' here. Its guess is drawn with a dashed edge: flip where it is wrong.'],
  }[mode];
}

const RANKED = {
  confirm: 'these look most like it', sweep: 'these look least like it', uncertain: 'these lie in between',
};

function likeness(name, bulk, like) {
  const these = like === null ? ['Images that look like those with ', name] : ['Images that look like the one you chose, asked for ', name];
  return [...these, '. ', bulk ? 'The model\'s guess is drawn with a dashed edge: flip where it is wrong.' : ONLY_MARKED];
}

// Why the grid is empty, and another mode of this category in which something waits.
export function nothingLeft(page, counts, name) {
  const { mode } = page.about;
  const other = counts.taught ? MODES.findIndex((each) => each.mode !== mode && each.counts?.(counts) > 0) : -1;
  const offer = other >= 0 ? { ...MODES[other], place: other, label: `${MODES[other].label} (${MODES[other].counts(counts).toLocaleString('en')})` } : null;
  if (page.elsewhere) return { title: 'Others are at it', text: `The images that are left here for ${name} are on somebody else's screen. They come back in ten minutes if nobody answers.`, other: offer };
  if (!counts.open) return { title: `${name} is done`, text: 'Every image has an answer for this category.', other: null };
  const text = {
    confirm: `The model suggests ${name} in no further image.`, sweep: `Everything that the model finds unlikely for ${name} has an answer.`,
    uncertain: `The model is sure about all that is left open for ${name}.`, like: `No further image can be compared for ${name}; those that you passed over come back when the page is opened again.`,
  }[mode];
  return { title: 'Nothing left here', text, other: offer };
}

export function told({ present, absent, unsure, open }) {
  const parts = [present && `${present} present`, absent && `${absent} absent`, unsure && `${unsure} cannot tell`, open && `${open} not marked`];
  return parts.filter(Boolean).join(' · ');
}
