// The keys of the Review page: answers have the letters of the Label page.

import { commandsOf, helpOf } from '../shared/keyboard.js';

const KEYS = [
  { command: 'left', on: ['ArrowLeft'], show: '← ↑ → ↓', text: 'move between pairs' },
  { command: 'right', on: ['ArrowRight'] }, { command: 'up', on: ['ArrowUp'] }, { command: 'down', on: ['ArrowDown'] },
  { command: 'first', on: ['Home'], show: 'Home End', text: 'go to the first or the last pair that is loaded' },
  { command: 'last', on: ['End'] },
  { command: 'present', on: ['a'], show: 'A', text: 'present, for this pair or all selected ones' },
  { command: 'absent', on: ['r'], show: 'R', text: 'absent' },
  { command: 'unsure', on: ['s'], show: 'S', text: 'cannot tell' },
  { command: 'cleared', on: ['c'], show: 'C', text: 'remove your own answer' },
  { command: 'decide', on: ['d'], show: 'D', text: 'let your answers decide conflicts, or stop that' },
  { command: 'select', on: ['x', ' '], show: 'X Space', text: 'select or deselect the pair' },
  { command: 'extendRight', on: ['Shift+ArrowRight'], show: 'Shift ← ↑ → ↓', text: 'extend the selection' },
  { command: 'extendLeft', on: ['Shift+ArrowLeft'] }, { command: 'extendUp', on: ['Shift+ArrowUp'] }, { command: 'extendDown', on: ['Shift+ArrowDown'] },
  { command: 'selectAll', on: ['Shift+x', 'Ctrl+a'], show: 'Shift X', text: 'select all that are loaded' },
  { command: 'selectNone', on: ['Escape'], show: 'Esc', text: 'clear the selection' },
  { command: 'undo', on: ['u', 'Ctrl+z'], show: 'U Ctrl Z', text: 'undo' },
  { command: 'redo', on: ['Shift+u', 'Ctrl+y', 'Ctrl+Shift+z'], show: 'Shift U Ctrl Y', text: 'redo' },
  { command: 'history', on: ['h'], show: 'H', text: 'show or hide the history of the pair' },
  { command: 'open', on: ['Enter'], show: '⏎', text: 'open the image on the Label page' },
  { command: 'resolve', on: ['f'], show: 'F', text: 'resolve the flag on the image' },
  { command: 'filters', on: ['/'], show: '/', text: 'go to the filters; Esc comes back' },
  { command: 'refresh', on: ['m'], show: 'M', text: 'refresh the list' },
  { command: 'help', on: ['?'], show: '?', text: 'this help' },
];

export const HELP = helpOf(KEYS);

export const commandOf = commandsOf(KEYS);

// A key that is held down does only what may be done many times.
/** @param {string} command */
export const mayRepeat = (command) => /^(?:left|right|up|down|extend)/.test(command);
