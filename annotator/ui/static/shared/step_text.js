// What a step says, in a few words: in the question before it is taken back, and in the sentence after.

import { formatNumber } from './dom.js';

/** @import { Step } from './wire.d.ts' */
/** @import { Job } from './save_queue.js' */

/** @typedef {Pick<Step, 'answers' | 'images' | 'name' | 'category' | 'state'>} Said what a step is about; `name`: of its only image */

/** @type {Record<string, string | undefined>} */
const WORDS = { unsure: 'cannot tell', cleared: 'answer removed' };

/** @param {Said} step */
export function stepText({ answers, images, name, category, state }) {
  if (answers === 1) return `${category} on ${name}, ${WORDS[state] ?? state}`;
  const where = images === 1 ? name : `${formatNumber(images)} images`;
  return `${formatNumber(answers)} answers ${category ? `about ${category}` : `on ${where}`}`;
}

// Of an operation that this browser has not sent yet, or has just made.
/**
 * @param {Pick<Job['data'], 'changes' | 'image' | 'category'>} data
 * @param {string} name of its image
 * @param {Map<number, string> | undefined} names of the categories
 * @returns {Said}
 */
export function saidBy({ changes = [], image, category }, name, names) {
  const images = new Set(changes.map((change) => change.image ?? image));
  const categories = new Set(changes.map((change) => change.category ?? category));
  const states = new Set(changes.map(({ state }) => state));
  const only = [...categories][0];
  return {
    answers: changes.length, images: images.size, name: name || `image ${[...images][0]}`,
    category: categories.size === 1 ? names?.get(only ?? 0) ?? 'a category' : '', state: states.size === 1 ? [...states][0] : '',
  };
}

/** @param {number} seconds */
export function agoText(seconds) {
  const minutes = Math.round(seconds / 60);
  if (minutes < 1) return 'less than a minute ago';
  const [count, unit] = minutes < 60 ? [minutes, 'minute'] : minutes < 36 * 60 ? [Math.round(minutes / 60), 'hour'] : [Math.round(minutes / 1440), 'day'];
  return `${count} ${unit}${count === 1 ? '' : 's'} ago`;
}
