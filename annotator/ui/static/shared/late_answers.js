// What is said when a pair was answered between its drawing and the saving of this tab's answer.

/** @import { Touched } from './wire.d.ts' */

/** @param {[number, number][]} late pairs of image and category @param {Touched} images their labels now @param {string} one what was answered, if it is one pair */
export function lateText(late, images, one = '1 of these') {
  const labels = late.map(([image, category]) => images[String(image)]?.[String(category)]);
  const what = late.length > 1 ? `${late.length} of these` : one;
  const isOwn = labels.every((label) => label?.mine);
  const names = new Set(labels.map((label) => label?.by || 'Someone'));
  const who = isOwn ? 'You' : names.size > 1 ? 'Others' : [...names][0];
  const [stand, mine, own, them] = late.length > 1 ? ['those answers stand', 'yours are', 'these are', 'them'] : ['that answer stands', 'yours is', 'this one is', 'it'];
  return `${who} answered ${what} ${isOwn ? 'in another tab ' : ''}in the meantime; ${stand}, ${isOwn ? own : mine} kept beside ${them}.`;
}
