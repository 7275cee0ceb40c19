// What the colours of the map say: one of three subjects, each with its own list of colours.

import { formatNumber, h } from '../shared/dom.js';

/** @import { MapColoursRequest } from '../shared/wire.d.ts' */

/** @typedef {[number, number, number]} Colour red, green and blue */
/** @typedef {MapColoursRequest['by']} Subject */
/** @typedef {{ text: string, light: Colour, dark: Colour }} Meaning */

/** @type {[Subject, string][]} */
export const SUBJECTS = [['category', 'the category'], ['answered', 'how far it is'], ['doubt', 'doubt']];

/** @type {Colour} */
const GREY = [148, 156, 170];

// Told apart without telling red from green.
/** @type {Record<Subject, Meaning[]>} */
const MEANINGS = {
  category: [
    { text: 'open', light: GREY, dark: [104, 112, 128] }, { text: 'present', light: [29, 78, 216], dark: [96, 165, 250] }, { text: 'absent', light: [217, 119, 6], dark: [245, 158, 11] },
    { text: 'cannot tell', light: [120, 53, 15], dark: [214, 180, 140] }, { text: 'people disagree', light: [190, 18, 60], dark: [251, 113, 133] }, { text: 'suggested', light: [13, 148, 136], dark: [45, 212, 191] },
  ],
  answered: [
    { text: 'untouched', light: GREY, dark: [104, 112, 128] }, { text: 'partly known', light: [217, 119, 6], dark: [245, 158, 11] }, { text: 'done', light: [29, 78, 216], dark: [96, 165, 250] },
  ],
  doubt: [
    { text: 'no doubt', light: GREY, dark: [104, 112, 128] }, { text: '1 open category in doubt', light: [252, 176, 64], dark: [146, 94, 18] },
    { text: '2 categories', light: [234, 113, 20], dark: [214, 125, 25] }, { text: '3 categories', light: [194, 65, 12], dark: [251, 166, 60] }, { text: '4 or more', light: [124, 25, 15], dark: [254, 221, 150] },
  ],
};

export const isDark = () => document.body.classList.contains('dark');

// The colours of a subject's codes; codes beyond the last mean the last.
/** @param {Subject} subject @returns {Colour[]} */
export const coloursOf = (subject) => MEANINGS[subject].map(({ light, dark }) => (isDark() ? dark : light));

/** @param {Subject} subject @param {Uint8Array} codes */
export function legendOf(subject, codes) {
  const meanings = MEANINGS[subject];
  const counts = meanings.map(() => 0);
  for (const code of codes) counts[Math.min(code, counts.length - 1)] += 1;
  return meanings.flatMap(({ text }, code) => {
    if (!counts[code]) return [];
    return [h('span', { class: 'im-key' }, h('i', { style: `background: rgb(${coloursOf(subject)[code].join(' ')})`, 'aria-hidden': 'true' }), `${text} ${formatNumber(counts[code])}`)];
  });
}
