// The keys of the Images page: answers have the letters of the Review page.

import { commandsOf, helpOf } from '../shared/keyboard.js';

const KEYS = [
  { command: 'left', on: ['ArrowLeft'], show: '← ↑ → ↓', text: 'move between images' },
  { command: 'right', on: ['ArrowRight'] }, { command: 'up', on: ['ArrowUp'] }, { command: 'down', on: ['ArrowDown'] },
  { command: 'pageUp', on: ['PageUp'], show: 'PageUp PageDown', text: 'a screen back or on' }, { command: 'pageDown', on: ['PageDown'] },
  { command: 'first', on: ['Home'], show: 'Home End', text: 'the first or the last image' }, { command: 'last', on: ['End'] },
  { command: 'select', on: [' ', 'x'], show: 'Space X', text: 'select or deselect the image' },
  { command: 'extendRight', on: ['Shift+ArrowRight'], show: 'Shift ← ↑ → ↓', text: 'extend the selection; PageDown, End and so on too' },
  { command: 'extendLeft', on: ['Shift+ArrowLeft'] }, { command: 'extendUp', on: ['Shift+ArrowUp'] }, { command: 'extendDown', on: ['Shift+ArrowDown'] },
  { command: 'extendPageUp', on: ['Shift+PageUp'] }, { command: 'extendPageDown', on: ['Shift+PageDown'] },
  { command: 'extendFirst', on: ['Shift+Home'] }, { command: 'extendLast', on: ['Shift+End'] },
  { command: 'selectAll', on: ['Ctrl+a', 'Shift+x'], show: 'Ctrl A', text: 'select all that fit, not only those on the screen' },
  { command: 'selectNone', on: ['Escape'], show: 'Esc', text: 'clear the selection' },
  { command: 'category', on: ['k'], show: 'K', text: 'choose the category that the list is about' },
  { command: 'present', on: ['a'], show: 'A', text: 'present, for all selected images or the one in focus' },
  { command: 'absent', on: ['r'], show: 'R', text: 'absent' },
  { command: 'cleared', on: ['c'], show: 'C', text: 'unknown: remove your own answer' },
  { command: 'undo', on: ['u', 'Ctrl+z'], show: 'U Ctrl Z', text: 'undo' },
  { command: 'redo', on: ['Shift+u', 'Ctrl+y', 'Ctrl+Shift+z'], show: 'Shift U Ctrl Y', text: 'redo' },
  { command: 'open', on: ['Enter'], show: '⏎', text: 'open the image on the Label page and go on through the list from there' },
  { command: 'label', on: ['l'], show: 'L', text: 'label the selected images, or all that fit' },
  { command: 'verify', on: ['v'], show: 'V', text: 'verify the category on them' },
  { command: 'like', on: ['f'], show: 'F', text: 'more like the selected images, or the one in focus' },
  { command: 'duplicates', on: ['d'], show: 'D', text: 'select what is nearly the same as they are' },
  { command: 'filter', on: ['/'], show: '/', text: 'go to the filter; Esc comes back' },
  { command: 'view', on: ['t'], show: 'T', text: 'grid or table' },
  { command: 'map', on: ['p'], show: 'P', text: 'the map: arrows move it, + - zoom, Shift and an arrow change the rectangle, Space selects what is in it' },
  { command: 'larger', on: ['+', '='], show: '+ -', text: 'larger or smaller images' }, { command: 'smaller', on: ['-'] },
  { command: 'refresh', on: ['m'], show: 'M', text: 'refresh the list' },
  { command: 'help', on: ['?'], show: '?', text: 'this help' },
];

export const HELP = helpOf(KEYS);

export const commandOf = commandsOf(KEYS);

// A key that is held down does only what may be done many times.
/** @param {string} command */
export const mayRepeat = (command) => /^(?:left|right|up|down|page|extend)/.test(command);
