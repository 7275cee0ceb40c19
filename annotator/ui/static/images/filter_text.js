// The line of a filter as text: its words, and what the fields beside it change in it.

// The words of a line with where they begin; quotes hold together what has a space in it.
/** @param {string} text */
export const words = (text) => [...text.matchAll(/(?:"(?:[^"\\]|\\.)*"?|[^\s"])+/g)].map(({ 0: word, index }) => ({ word, index }));

// A value as it stands in a line.
/** @param {string} value */
export const quoted = (value) => (value && !/[\s",:\\]/.test(value) && !value.startsWith('-') ? value : `"${value.replace(/(["\\])/g, '\\$1')}"`);

/** @param {string} value */
const plain = (value) => value.replace(/^"((?:[^"\\]|\\.)*)"?$/, '$1').replace(/\\(.)/g, '$1');

// The field and value of a word, an empty field where it is a part of a name.
/** @param {string} word */
export function parts(word) {
  const at = word.search(/:/);
  const isField = at > 0 && !word.startsWith('"');
  return { field: isField ? word.slice(0, at).toLowerCase() : '', value: plain(isField ? word.slice(at + 1) : word) };
}

// The value of the first word of one of some fields.
/** @param {string} text @param {string[]} fields */
export function valueOf(text, fields) {
  return words(text).map(({ word }) => parts(word)).find(({ field }) => fields.includes(field)) ?? null;
}

// The line with another word in place of those of some fields; with none if it is empty.
/** @param {string} text @param {string[]} fields @param {string} word */
export function replaced(text, fields, word) {
  const all = words(text).map((each) => each.word);
  const at = all.findIndex((each) => fields.includes(parts(each).field));
  const others = all.filter((each) => !fields.includes(parts(each).field));
  if (word) others.splice(at < 0 ? others.length : at, 0, word);
  return others.join(' ');
}
