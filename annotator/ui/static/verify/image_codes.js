// A code for each image of the grid: the digit of its row, then the letter of its place in the row.

import { h } from '../shared/dom.js';
import { digitOf, letterOf } from '../shared/keyboard.js';

/** @import { ImageGrid } from './image_grid.js' */

const ROWS = [...'1234567890'];
const LETTERS = [...'abcdehjkoqrtvwy']; // none that is a key of the page by itself, or that goes to another

// What is drawn in an image's corner; empty where there are more rows or columns than keys.
/** @param {number} place @param {number} columns */
export function codeOf(place, columns) {
  const row = ROWS[Math.floor(place / columns)];
  const letter = LETTERS[place % columns];
  return row && letter ? [h('span', { text: row }), h('kbd', { text: letter.toUpperCase() })] : [];
}

// The digit stays typed, so that further letters reach further images of the row.
export class ImageCodes {
  /**
   * @param {ImageGrid} grid
   * @param {{ onRow: (digit: string) => void, onPlace: (place: number, isShifted: boolean) => void }} listeners
   */
  constructor(grid, { onRow, onPlace }) {
    this.grid = grid;
    this.onRow = onRow;
    this.onPlace = onPlace;
  }

  // True if the key is part of a code.
  /** @param {KeyboardEvent} event */
  key(event) {
    const digit = digitOf(event);
    if (digit >= 0 && !event.shiftKey) return this.#row(digit, event.repeat);
    const { row, columns, cells } = this.grid;
    if (row === null || event.ctrlKey || event.metaKey) return false;
    const column = LETTERS.indexOf(letterOf(event));
    const place = row * columns + column;
    if (column < 0 || column >= columns || place >= cells.length) return false;
    if (!event.repeat) this.onPlace(place, event.shiftKey);
    return true;
  }

  /** @param {number} row @param {boolean} isHeld */
  #row(row, isHeld) {
    const { columns, cells } = this.grid;
    if (row * columns >= cells.length) return false;
    if (!isHeld) {
      this.grid.selectRow(row);
      this.onRow(ROWS[row]);
    }
    return true;
  }

  // True if a digit was typed.
  cancel() {
    const was = this.grid.row !== null;
    this.grid.selectRow(null);
    return was;
  }
}
