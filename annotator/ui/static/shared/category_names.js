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

  // Category ids, the one that is most likely meant first.
  /** @param {string} text @returns {number[]} */
  matching(text) {
    const wanted = plain(text);
    const found = this.known.map(({ id, names }) => ({ id, place: rank(names, wanted) })).filter(({ place }) => place < NONE);
    return found.sort((one, other) => one.place - other.place).map(({ id }) => id);
  }
}

const NONE = 9;

// The name itself, its beginning, a word in it, the same of an alias, then anywhere.
/** @param {string[]} names @param {string} wanted */
function rank(names, wanted) {
  const places = names.map((name, index) => {
    if (name === wanted) return index ? 2 : 0;
    if (name.startsWith(wanted)) return index ? 3 : 1;
    if (/[\s\-_/(]/.test(name) && hasWord(name, wanted)) return index ? 5 : 4;
    return name.includes(wanted) ? 6 : NONE;
  });
  return Math.min(...places);
}

/** @param {string} name @param {string} wanted */
const hasWord = (name, wanted) => name.split(/[\s\-_/(]+/).some((_, at, words) => words.slice(at).join(' ').startsWith(wanted));
