// How far an image is: the same signs and words wherever a thumbnail stands for it.

/** @import { ImageMark } from './wire.d.ts' */

/** @type {Record<ImageMark['standing'], [string, string]>} without and with answers of one's own */
const WORDS = {
  done: ['done', 'done by you'],
  partly: ['partly known', 'partly known, with your answers'],
  untouched: ['untouched', 'untouched'],
};

/** @param {ImageMark} mark */
export const describeMark = ({ standing, mine }) => WORDS[standing][Number(mine)];

// The sign comes from the style sheet: ✓ done, half or a quarter of a disc partly known; in full colour
// with answers of one's own.
/** @param {HTMLElement} element @param {ImageMark | undefined} mark */
export function showMark(element, mark) {
  element.dataset.standing = mark?.standing ?? '';
  element.dataset.mine = String(mark?.mine ?? false);
}
