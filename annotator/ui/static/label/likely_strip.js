// What else is likely on the image, by the usual company of what is marked: each behind the slash and
// a digit. While the image is there a place keeps its category; an answer may only fill free places.

import { h, setText } from '../shared/dom.js';

/** @import { Decision } from '../shared/wire.d.ts' */
/** @import { Item } from './item.js' */

const PLACES = 9;
const AT_FIRST = 7; // places that are given before anything is marked
const RECENT = 2; // of those that are left, given to what was named last

/** @typedef {{ id: number, element: HTMLButtonElement, mark: HTMLElement }} Chip */
/** @type {Record<string, string | undefined>} */
const MARKS = { present: '✓', absent: '✕', unsure: '?', conflict: '≠' };

export class LikelyStrip {
  /** @type {(Chip | null)[]} */
  #chips = [];

  /** @type {Map<number, number>} */
  #usual = new Map(); // category id -> the place it had first

  /** @type {number[]} */
  #named = []; // category ids, the last one first

  /** @param {{ nameOf: (id: number) => string, begins: (text: string) => boolean, onPick: (id: number, state: Decision) => void }} page `begins`: whether a name begins with a text */
  constructor({ nameOf, begins, onPick }) {
    this.nameOf = nameOf;
    this.begins = begins;
    this.onPick = onPick;
    this.list = h('div', { class: 'an-chips' });
    this.title = h('span', { class: 'an-chips-title' });
    this.element = h('div', { class: 'an-likely', role: 'group', 'aria-label': 'Also likely' }, this.title, this.list);
  }

  // A category was found by its name and is there: it may come again.
  /** @param {number} id */
  named(id) { this.#named = [id, ...this.#named.filter((each) => each !== id)].slice(0, PLACES); }

  // Returns the category that was answered, null if there is none.
  /** @param {number} place from 0 @param {Decision} state */
  onDigit(place, state) {
    const id = this.#chips[place]?.id ?? null;
    if (id !== null) this.onPick(id, state);
    return id;
  }

  // Called when an image comes on the screen, after its digits are given.
  /** @param {Item} item @param {boolean} isNeeded not where all categories have digits */
  show(item, isNeeded) {
    this.element.hidden = !isNeeded;
    this.#chips = new Array(PLACES).fill(null);
    if (!isNeeded) return;
    if (item.places) for (const [place, id] of item.places.entries()) this.#put(place, id);
    else {
      this.#fill(item, item.likely, AT_FIRST);
      this.#fill(item, this.#named.slice(0, RECENT), PLACES);
    }
    this.draw(item);
  }

  /** @param {Item} item */
  draw(item) {
    if (this.element.hidden) return;
    this.#fill(item, item.likely, PLACES);
    item.places = this.#chips.map((chip) => chip?.id ?? null);
    const shown = this.#chips.flatMap((chip) => (chip ? [chip] : []));
    for (const { id, element, mark } of shown) {
      const state = item.state(id);
      element.dataset.state = state;
      setText(mark, MARKS[state] ?? '');
      element.setAttribute('aria-pressed', String(state === 'present'));
    }
    this.list.replaceChildren(...shown.map(({ element }) => element));
    setText(this.title, shown.length ? 'Also likely' : 'No further guess; / finds any name');
  }

  /** @param {Item} item @param {number[]} ids @param {number} most places that may be taken */
  #fill(item, ids, most) {
    const taken = new Set([...item.slots ?? [], ...this.#chips.map((chip) => chip?.id)]);
    for (const id of ids.filter((each) => !taken.has(each) && item.isOpen(each) && this.nameOf(each))) {
      const free = this.#chips.flatMap((chip, place) => (chip || this.begins(String(place + 1)) ? [] : [place]));
      if (!free.length || PLACES - free.length >= most) return;
      const usual = this.#usual.get(id) ?? -1;
      const place = free.includes(usual) ? usual : free[0];
      if (!this.#usual.has(id)) this.#usual.set(id, place);
      this.#put(place, id);
    }
  }

  /** @param {number} place @param {number | null} id */
  #put(place, id) {
    if (id === null) return;
    const name = this.nameOf(id);
    const mark = h('span', { class: 'an-chip-mark', 'aria-hidden': 'true' });
    const element = h('button', {
      class: 'an-chip', type: 'button', tabindex: -1, title: `${name}: / and ${place + 1}`,
      onclick: (/** @type {MouseEvent} */ event) => {
        this.onPick(id, event.shiftKey ? 'absent' : 'present');
        element.blur();
      },
    }, h('kbd', { text: `/${place + 1}`, 'aria-hidden': 'true' }), h('span', { text: name, dir: 'auto' }), mark);
    this.#chips[place] = { id, element, mark };
  }
}
