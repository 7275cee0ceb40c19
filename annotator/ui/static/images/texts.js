// Words and signs of the Images page.

import { formatNumber } from '../shared/dom.js';
import { describeMark } from '../shared/image_mark.js';

/** @import { BulkPlan, ListRow } from '../shared/wire.d.ts' */

/** @typedef {'present' | 'absent' | 'cleared'} BulkState */

/** @type {Record<string, string | undefined>} */
const MARKS = { present: '✓', absent: '✕', unsure: '?', conflict: '≠', unknown: '·' };
/** @type {Record<string, string | undefined>} */
const STATES = { unsure: 'cannot tell', conflict: 'people disagree', cleared: 'unknown' };

/** @param {string} state */
const stateText = (state) => STATES[state] ?? state;

/** @param {number} number @param {string} noun */
export const counted = (number, noun) => `${formatNumber(number)} ${noun}${number === 1 ? '' : 's'}`;

/** @param {ListRow} row */
function markOf({ state, suggested }) {
  return state === 'unknown' && suggested ? '✦' : MARKS[state ?? ''] ?? '';
}

/** @param {ListRow} row */
const scoreText = ({ score, ranked }) => (score === null || ranked ? '' : ` ${Math.round(score * 100)} %`);

// What is known of the category that the list is about; the number first, as the end may be cut off.
/** @param {ListRow} row */
export const aboutText = (row) => `${markOf(row)}${scoreText(row)} ${row.suggested ? 'suggested' : stateText(row.state ?? '')}`;

/** @param {ListRow} row @param {string} category name of the one that the list is about */
export function describe(row, category, isSelected = false) {
  const about = row.state ? `${category} ${stateText(row.state)}${row.suggested ? ', suggested' : ''}${scoreText(row)}` : counted(row.labels, 'label');
  const flags = `${row.flags.length ? ', flagged' : ''}${row.group === null ? '' : ', nearly the same as others'}`;
  return `${row.name}, ${about.trim()}, ${describeMark(markFor(row))}${flags}${isSelected ? ', selected' : ''}`;
}

/** @param {string | null} at */
export const whenText = (at) => (at ? new Date(at).toLocaleString([], { dateStyle: 'medium', timeStyle: 'short' }) : '');

/** @param {ListRow} row */
export const markFor = ({ id, standing, mine }) => ({ image: id, standing, mine });

// What an answer to many does, in sentences.
/** @param {BulkPlan} plan @param {string} category @param {BulkState} state */
export function planText({ images, fresh, changed, disputed, same }, category, state) {
  const title = state === 'cleared' ? `Remove your answers about ${category} from ${counted(images.length, 'image')}?` : `Mark ${category} ${state} on ${counted(images.length, 'image')}?`;
  const parts = [
    fresh && `${formatNumber(fresh)} ${fresh === 1 ? 'is' : 'are'} unknown now.`,
    changed && state !== 'cleared' && `${formatNumber(changed)} that you answered otherwise ${changed === 1 ? 'changes' : 'change'}.`,
    disputed && `Others answered ${formatNumber(disputed)} otherwise: people then disagree there.`,
    same && `${formatNumber(same)} ${same === 1 ? 'stays' : 'stay'} as ${same === 1 ? 'it is' : 'they are'}.`,
  ];
  return { title, text: parts.filter(Boolean).join(' ') };
}

/** @param {BulkState} state @param {string} category @param {number} count */
export const doneText = (state, category, count) => `${category} ${stateText(state)} on ${counted(count, 'image')}`;
