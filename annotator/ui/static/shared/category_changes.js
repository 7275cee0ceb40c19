// Categories that somebody changes while a page is open: noticed by their revision, and taken over
// when the page turns to another image, so that no key changes its meaning under a hand.

/** @import { Category, CategoryList } from './wire.d.ts' */
/** @import { Server } from './server.js' */

export const CATEGORIES = 'categories'; // the subject of what is told about them

const SHOWN = 5; // changes that a notice names

export class CategoryChanges {
  /** @type {CategoryList | null} */
  known = null; // what the page shows

  /** @type {CategoryList | null} */
  coming = null; // what it shows from the next image on

  isAsking = false;

  /** @param {Server} server @param {{ onComing: () => void }} listeners `onComing`: there are other categories than the page shows */
  constructor(server, { onComing }) {
    this.server = server;
    this.onComing = onComing;
  }

  /** @param {CategoryList} list */
  start(list) { this.known = list; }

  /** @param {string} revision of the server's categories now */
  async look(revision) {
    if (!this.known || this.isAsking) return;
    if (revision === this.known.categories_revision) this.coming = null; // as they were again
    else if (revision !== this.coming?.categories_revision) await this.#ask();
  }

  async #ask() {
    this.isAsking = true;
    const got = await this.server.call('categories');
    this.isAsking = false;
    if (!got.ok) return; // the next look asks again
    this.coming = got;
    this.onComing();
  }

  // What is shown from now on, with a sentence about it, which is empty if nobody can see a difference; null if nothing has changed.
  take() {
    const { known, coming } = this;
    if (!known || !coming) return null;
    this.known = coming;
    this.coming = null;
    return { list: coming, text: changesText(known, coming) };
  }
}

/** @param {CategoryList} before @param {CategoryList} after */
function changesText({ categories: before }, { categories: after, merged }) {
  const was = new Map(before.map((category) => [category.id, category]));
  const is = new Map(after.map((category) => [category.id, category]));
  const gone = before.filter(({ id }) => !is.has(id));
  /** @type {[Category, Category][]} */
  const both = after.flatMap((now) => { const old = was.get(now.id); return old ? [[old, now]] : []; });
  /** @type {[string, string[]][]} what has happened, and to what */
  const kinds = [
    ['added', after.filter(({ id }) => !was.has(id)).map(({ name }) => name)],
    ['renamed', both.filter(([old, now]) => old.name !== now.name).map(([old, now]) => `${old.name} → ${now.name}`)],
    ['archived', gone.filter(({ id }) => !(id in merged)).map(({ name }) => name)],
    ['merged', gone.filter(({ id }) => id in merged).map(({ id, name }) => `${name} → ${merged[id]}`)],
    ['with another key', both.filter(([old, now]) => old.key !== now.key).map(([old, now]) => `${now.name}: ${old.key || 'no key'} → ${now.key || 'no key'}`)],
  ];
  const counts = kinds.filter(([, names]) => names.length).map(([kind, names]) => `${names.length} ${kind}`);
  if (isMoved(before.filter(({ id }) => is.has(id)), both.map(([, now]) => now))) counts.push('order changed');
  const names = kinds.flatMap(([, each]) => each);
  const more = names.length > SHOWN ? `, and ${names.length - SHOWN} more` : '';
  const named = names.length ? ` (${names.slice(0, SHOWN).join(', ')}${more})` : '';
  return counts.length ? `Categories changed: ${counts.join(', ')}${named}.` : '';
}

/** @param {Category[]} before @param {Category[]} after the same ones */
const isMoved = (before, after) => before.some(({ id, supercategory }, place) => id !== after[place].id || supercategory !== after[place].supercategory);
