// A code for each picture of the grid: the digit of its row, then the letter of its place in the row.

import { h } from '../shared/dom.js';
import { digitOf, letterOf } from '../shared/keys.js';

const ROWS = [...'1234567890'];
const LETTERS = [...'abcdeghjkoqrtvwy']; // none that is a key of the page by itself

// What is drawn in a picture's corner; empty where there are more rows or columns than keys.
export function codeOf(place, columns) {
  const row = ROWS[Math.floor(place / columns)];
  const letter = LETTERS[place % columns];
  return row && letter ? [h('span', { text: row }), h('kbd', { text: letter.toUpperCase() })] : [];
}

// The digit stays typed, so that further letters reach further pictures of the row.
export class Codes {
  // `onPlace(place, {shift})`: the picture that was meant.
  constructor(grid, { onRow, onPlace }) {
    Object.assign(this, { grid, onRow, onPlace });
  }

  // True if the key is part of a code.
  key(event) {
    const digit = digitOf(event);
    if (digit >= 0 && !event.shiftKey) return this.#row(digit, event.repeat);
    const { row, columns, cells } = this.grid;
    const column = row === null || event.ctrlKey || event.metaKey ? -1 : LETTERS.indexOf(letterOf(event));
    const place = row * columns + column;
    if (column < 0 || column >= columns || place >= cells.length) return false;
    if (!event.repeat) this.onPlace(place, { shift: event.shiftKey });
    return true;
  }

  #row(row, isHeld) {
    const { columns, cells } = this.grid;
    if (row * columns >= cells.length) return false;
    if (!isHeld) {
      this.grid.aim(row);
      this.onRow(ROWS[row]);
    }
    return true;
  }

  // True if a digit was there to be forgotten.
  forget() {
    const was = this.grid.row !== null;
    this.grid.aim(null);
    return was;
  }
}
