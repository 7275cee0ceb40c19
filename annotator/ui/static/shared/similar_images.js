// The list of the images that look like some: an order and a filter of the Images page, so that it can be
// shared, narrowed and worked on like any other.

import { filterOfIds } from './image_selection.js';

// The most similar first, without those that they are compared with.
/** @param {Iterable<number>} ids */
export function similarTo(ids) {
  const named = filterOfIds(ids);
  return { filter: `-${named}`, sort: named.replace('id:', 'like:') };
}

// Where that list is for one image.
/** @param {number} id */
export const similarAddress = (id) => `./images#${new URLSearchParams(similarTo([id]))}`;

// The numbers that an order by likeness names, the first few; none for other orders.
/** @param {string} sort @param {number} most */
export function comparedIn(sort, most) {
  /** @type {number[]} */
  const ids = [];
  const named = /^-?like:(.+)$/.exec(sort)?.[1] ?? '';
  for (const [, from, to] of named.matchAll(/(\d+)(?:\.\.(\d+))?/g)) {
    for (let id = Number(from); id <= Number(to ?? from) && ids.length < most; id += 1) ids.push(id);
  }
  return ids;
}

/** @param {string} sort */
export const isByLikeness = (sort) => sort.startsWith('like:');
