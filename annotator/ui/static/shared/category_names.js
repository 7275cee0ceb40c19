// Finding categories by what somebody types: any case, accents or not, aliases too.

/** @import { Category } from './wire.d.ts' */

// The form in which "cafe" finds "Café" and "strasse" finds "Straße".
/** @param {string} text */
export const plain = (text) => text.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase().replaceAll('ß', 'ss').trim();

export class CategoryNames {
  /** @param {Category[]} categories */
  constructor(categories) {
    this.known = categories.map((category) => ({
      id: category.id, names: [category.name, ...category.aliases ?? []].map(plain),
    }));
  }

  // Whether the name of a category begins with a text.
  /** @param {string} text */
  begins(text) { return this.known.some(({ names }) => names.some((name) => name.startsWith(text))); }

  // Category ids, the one that is most likely meant first. A single letter says so little that what
  // is likely on the image comes first; two or more mean the same on every image.
  /** @param {string} text @param {number[]} [likely] the likeliest first @returns {number[]} */
  matching(text, likely = []) {
    const wanted = plain(text);
    const isLetter = [...wanted].length === 1;
    const turn = (/** @type {number} */ id) => (isLetter && likely.includes(id) ? likely.indexOf(id) : likely.length);
    const found = this.known.map(({ id, names }) => ({ id, place: rank(names, wanted) })).filter(({ place }) => place < NONE);
    return found.sort((one, other) => one.place - other.place || turn(one.id) - turn(other.id)).map(({ id }) => id);
  }
}

const NONE = 9;
const BREAK = /[\s\-_/(]+/;

// The name itself, its beginning, the first letters of its words (`tl`: traffic light), a word in it,
// the same of an alias, then anywhere.
/** @param {string[]} names @param {string} wanted */
function rank(names, wanted) {
  const places = names.map((name, index) => {
    if (name === wanted) return index ? 2 : 0;
    if (name.startsWith(wanted)) return index ? 3 : 1;
    if (BREAK.test(name) && initials(name).startsWith(wanted)) return index ? 3.5 : 1.5;
    if (BREAK.test(name) && hasWord(name, wanted)) return index ? 5 : 4;
    return name.includes(wanted) ? 6 : NONE;
  });
  return Math.min(...places);
}

/** @param {string} name @param {string} wanted */
const hasWord = (name, wanted) => name.split(BREAK).some((_, at, words) => words.slice(at).join(' ').startsWith(wanted));

/** @param {string} name */
const initials = (name) => name.split(BREAK).map((word) => word.slice(0, 1)).join('');
