// Finding categories by what somebody types: any case, accents or not, aliases too.

// The form in which "cafe" finds "Café" and "strasse" finds "Straße".
export const plain = (text) => text.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase().replaceAll('ß', 'ss').trim();

export class Names {
  constructor(categories) {
    this.known = categories.map((category) => ({
      id: category.id, names: [category.name, ...category.aliases ?? []].map(plain),
    }));
  }

  // Category ids, the one that is most likely meant first.
  matching(text) {
    const wanted = plain(text);
    const found = this.known.map(({ id, names }) => [id, rank(names, wanted)]).filter(([, place]) => place < NONE);
    return found.sort(([, one], [, other]) => one - other).map(([id]) => id);
  }
}

const NONE = 9;

// The name itself, its beginning, a word in it, the same of an alias, then anywhere.
function rank(names, wanted) {
  const places = names.map((name, index) => {
    if (name === wanted) return index ? 2 : 0;
    if (name.startsWith(wanted)) return index ? 3 : 1;
    if (/[\s\-_/(]/.test(name) && begins(name, wanted)) return index ? 5 : 4;
    return name.includes(wanted) ? 6 : NONE;
  });
  return Math.min(...places);
}

const begins = (name, wanted) => name.split(/[\s\-_/(]+/).some((word, at, words) => words.slice(at).join(' ').startsWith(wanted));
