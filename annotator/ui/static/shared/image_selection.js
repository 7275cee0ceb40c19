// A selection of all images that another page works on: named in the address, so that it can be shared.

import { button, formatNumber, h, randomId, setText } from './dom.js';

/** @import { NextImages, Reply } from './wire.d.ts' */
/** @import { Server } from './server.js' */

const PICKED = 'annotator-picked:';
const SORT = ':sort';
const LONGEST = 1500; // characters of a filter and an order in an address; longer ones stay in this tab
const ASKED = 60; // images that the server chooses the next ones from

// The ids that the server packs into one text.
/** @param {string} text */
export const unpackIds = (text) => new Uint32Array(Uint8Array.from(atob(text), (sign) => sign.charCodeAt(0)).buffer);

// The filter that finds some images, neighbours joined.
/** @param {Iterable<number>} ids */
export function filterOfIds(ids) {
  /** @type {[number, number][]} */
  const ranges = [];
  for (const id of [...ids].sort((one, other) => one - other)) {
    const last = ranges.at(-1);
    if (last && last[1] === id - 1) last[1] = id;
    else ranges.push([id, id]);
  }
  return `id:${ranges.map(([from, to]) => (from === to ? from : `${from}..${to}`)).join(',')}`;
}

// What comes after the address of a page that shall work on a selection.
/** @param {string} filter @param {string} sort */
export function selectionQuery(filter, sort) {
  if (filter.length + sort.length <= LONGEST) return `?${new URLSearchParams({ filter, ...(sort && { sort }) })}`;
  const name = `@${randomId().slice(0, 8)}`;
  sessionStorage.setItem(PICKED + name, filter);
  sessionStorage.setItem(PICKED + name + SORT, sort);
  return `?${new URLSearchParams({ filter: name })}`;
}

export class ImageSelection {
  // Null where the address names none.
  static ofAddress() {
    const query = new URLSearchParams(location.search);
    const name = query.get('filter');
    return name === null ? null : new ImageSelection(name, query.get('sort') ?? '');
  }

  /** @param {string} name the filter, or what it is kept under in this tab @param {string} sort */
  constructor(name, sort) {
    this.name = name;
    this.sort = name.startsWith('@') ? sessionStorage.getItem(PICKED + name + SORT) ?? sort : sort;
    this.filter = name.startsWith('@') ? sessionStorage.getItem(PICKED + name) ?? '' : name;
    this.isLost = name.startsWith('@') && !this.filter;
    /** @type {number[]} */
    this.ids = [];
    this.at = 0; // the next one to be given
    this.isThrough = false; // all have been given once
    this.text = h('span', { role: 'status' });
    this.place = h('span', { class: 'an-selected-place' });
    this.element = h('div', { class: 'an-selection', role: 'group', 'aria-label': 'Selected images' }, this.text, this.place, h('span', { class: 'an-grow' }),
      h('a', { class: 'an-btn', href: `images#${new URLSearchParams({ filter: this.filter, sort: this.sort })}`, text: 'Show the list' }),
      button('All images again', null, () => this.leave()));
  }

  // The page as it is without a selection.
  leave() { location.assign(location.pathname + location.hash); }

  // Empty if there are images to work on, else why there are none.
  /** @param {Server} server @param {number} [wanted] the image to begin with @returns {Promise<string>} */
  async load(server, wanted) {
    if (this.isLost) return this.#say('This selection was picked by hand in another tab and is not known here.');
    const found = await server.call('list_images', { filter: this.filter, sort: this.sort });
    if (!found.ok) return this.#say(found.message ?? 'The server does not answer; reload the page in a moment.');
    this.ids = [...unpackIds(found.ids)];
    this.at = Math.max(0, this.ids.indexOf(wanted ?? -1));
    const { length } = this.ids;
    if (!length) return this.#say(`No image fits ${this.filter}.`);
    setText(this.text, `${formatNumber(length)} ${length === 1 ? 'image' : 'images'} selected${this.isPicked ? ' by hand' : `: ${this.filter || 'all'}`}`);
    return '';
  }

  get isPicked() { return this.name.startsWith('@') || this.filter.startsWith('id:'); }

  /** @param {string} text */
  #say(text) {
    setText(this.text, text);
    return text;
  }

  /** @param {number} id of the image on the screen */
  show(id) {
    const place = this.ids.indexOf(id);
    setText(this.place, place < 0 ? 'This image is not one of them.' : `${formatNumber(place + 1)} of ${formatNumber(this.ids.length)}`);
  }

  // The next images, as the server gives them to a tab without a selection; after the last one the first.
  /** @param {Server} server @param {string} tab @param {number} count @param {number[]} exclude @returns {Promise<Reply<NextImages>>} */
  async next(server, tab, count, exclude) {
    const known = new Set(exclude);
    for (let turns = 0; turns < 2;) {
      const among = this.ids.slice(this.at, this.at + ASKED).filter((id) => !known.has(id));
      if (among.length) {
        const given = await server.call('next_images', { tab, count, among });
        if (!given.ok) return given;
        const last = given.images.at(-1);
        this.at = last === undefined ? this.at + ASKED : this.ids.indexOf(last) + 1;
        if (given.images.length) return { ...given, done: this.isThrough };
      } else if (this.at + ASKED < this.ids.length) this.at += ASKED;
      else {
        this.at = 0;
        this.isThrough = true;
        turns += 1;
      }
    }
    return /** @type {Reply<NextImages>} */ ({ ok: true, images: [], done: true });
  }
}
