// The points of the map: where they lie, which is near a place, which are inside a line.

import { unpackIds } from '../shared/image_selection.js';

/** @import { MapPlaces } from '../shared/wire.d.ts' */

/** @typedef {{ x: number, y: number }} Place on the map, each from 0 to 1 */

const CELLS = 128; // a side of the grid in which points are looked up

/** @param {string} text */
const unpackBytes = (text) => Uint8Array.from(atob(text), (sign) => sign.charCodeAt(0));

export class MapPoints {
  /** @param {MapPlaces} said */
  constructor({ ids, places, of }) {
    this.of = of;
    this.ids = unpackIds(ids);
    this.places = new Uint16Array(unpackBytes(places).buffer);
    this.codes = new Uint8Array(this.ids.length);
    this.#sort();
  }

  get length() { return this.ids.length; }

  // What all points lie in.
  get box() {
    const [low, high] = [{ x: 1, y: 1 }, { x: 0, y: 0 }];
    for (let at = 0; at < this.length; at += 1) {
      const [x, y] = [this.x(at), this.y(at)];
      Object.assign(low, { x: Math.min(low.x, x), y: Math.min(low.y, y) });
      Object.assign(high, { x: Math.max(high.x, x), y: Math.max(high.y, y) });
    }
    return { low, high };
  }

  /** @param {string} codes */
  colour(codes) { this.codes = unpackBytes(codes); }

  /** @param {number} at */
  x(at) { return this.places[2 * at] / 65535; }

  /** @param {number} at */
  y(at) { return 1 - this.places[2 * at + 1] / 65535; } // up is up

  /** @param {number} at */
  #cell(at) { return cellOf(this.x(at)) + CELLS * cellOf(this.y(at)); }

  // Points by cell, those of a cell one after the other.
  #sort() {
    const starts = new Uint32Array(CELLS * CELLS + 1);
    for (let at = 0; at < this.length; at += 1) starts[this.#cell(at) + 1] += 1;
    for (let cell = 0; cell < CELLS * CELLS; cell += 1) starts[cell + 1] += starts[cell];
    this.starts = starts;
    this.sorted = new Uint32Array(this.length);
    const next = starts.slice();
    for (let at = 0; at < this.length; at += 1) {
      const cell = this.#cell(at);
      this.sorted[next[cell]] = at;
      next[cell] += 1;
    }
  }

  // The points in the cells that a box touches; some of them may lie outside of it.
  /** @param {Place} from @param {Place} to @returns {Iterable<number>} */
  * #around(from, to) {
    const { starts, sorted } = this;
    if (!starts || !sorted) return;
    for (let row = cellOf(from.y); row <= cellOf(to.y); row += 1) {
      const [first, last] = [starts[cellOf(from.x) + CELLS * row], starts[cellOf(to.x) + CELLS * row + 1]];
      for (let place = first; place < last; place += 1) yield sorted[place];
    }
  }

  // The nearest point within a distance; -1 if there is none.
  /** @param {Place} place @param {{ x: number, y: number }} reach */
  nearest({ x, y }, reach) {
    let [found, best] = [-1, 1];
    for (const at of this.#around({ x: x - reach.x, y: y - reach.y }, { x: x + reach.x, y: y + reach.y })) {
      const far = ((this.x(at) - x) / reach.x) ** 2 + ((this.y(at) - y) / reach.y) ** 2;
      if (far < best) [found, best] = [at, far];
    }
    return found;
  }

  // The points inside a closed line (crossings of a ray are odd).
  /** @param {Place[]} line @returns {number[]} */
  inside(line) {
    if (line.length < 3) return [];
    const [xs, ys] = [line.map(({ x }) => x), line.map(({ y }) => y)];
    const box = [{ x: Math.min(...xs), y: Math.min(...ys) }, { x: Math.max(...xs), y: Math.max(...ys) }];
    return [...this.#around(box[0], box[1])].filter((at) => {
      const [x, y] = [this.x(at), this.y(at)];
      let isIn = false;
      for (let one = 0, other = line.length - 1; one < line.length; other = one, one += 1) {
        const isAcross = ys[one] > y !== ys[other] > y;
        if (isAcross && x < ((xs[other] - xs[one]) * (y - ys[one])) / (ys[other] - ys[one]) + xs[one]) isIn = !isIn;
      }
      return isIn;
    });
  }
}

/** @param {number} value */
const cellOf = (value) => Math.max(0, Math.min(CELLS - 1, Math.floor(value * CELLS)));
