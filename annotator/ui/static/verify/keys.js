// The keys of the Verify page: shared ones mean what they mean on the Label page.

import { commandsOf, helpOf, isSign } from '../shared/keyboard.js';

const KEYS = [
  { command: 'flip', on: [' '], show: 'Space', text: 'flip: present or absent' },
  { command: 'code', on: [], show: '3 C', text: 'flip the image with this code; further letters flip more of that row' },
  { command: 'codeUnsure', on: [], show: '3 ⇧C', text: 'cannot tell, by code; Esc cancels' },
  { command: 'left', on: ['ArrowLeft'], show: '← ↑ → ↓', text: 'move between images' },
  { command: 'right', on: ['ArrowRight'] }, { command: 'up', on: ['ArrowUp'] }, { command: 'down', on: ['ArrowDown'] },
  { command: 'unsure', on: ['s'], show: 'S', text: 'cannot tell; you are not asked again' },
  { command: 'commit', on: ['Enter'], show: '⏎', text: 'save what was in view, next page' },
  { command: 'rest', on: ['x'], show: 'X', text: 'where nothing is guessed: mark the rest of what was in view absent; again: open' },
  { command: 'finish', on: ['Shift+Enter'], show: 'Shift+⏎', text: 'where nothing is guessed: the rest is absent, save, next page' },
  { command: 'undo', on: ['u', 'Ctrl+z'], show: 'U Ctrl+Z', text: 'undo the last page' },
  { command: 'redo', on: ['Shift+u', 'Ctrl+y', 'Ctrl+Shift+z'], show: 'Shift+U Ctrl+Y', text: 'redo' },
  { command: 'allPresent', on: ['m'], show: 'M', text: 'mark all present' },
  { command: 'allAbsent', on: ['Shift+m'], show: 'Shift+M', text: 'mark all absent' },
  { command: 'mode', on: [], show: '⇧1 ⇧2 ⇧3 ⇧4', text: 'confirm, sweep, decide, more like these' },
  { command: 'like', on: ['f'], show: 'F', text: 'find more like this image' },
  { command: 'nextCategory', on: ['n'], show: 'N P', text: 'next and previous category' }, { command: 'previousCategory', on: ['p'] },
  { command: 'choose', on: ['/'], show: '/', text: 'choose a category' },
  { command: 'large', on: ['l'], show: 'L', text: 'show the image large; hold Shift for a quick look' },
  { command: 'zoom', on: ['z'], show: 'Z', text: 'zoom the large image to full size' },
  { command: 'fullScreen', on: ['v'], show: 'V', text: 'the large image on the whole screen; Esc goes back' },
  { command: 'adjust', on: ['c'], show: 'C', text: 'brightness and contrast of the large image' },
  { command: 'open', on: ['i'], show: 'I', text: 'open the image on the Label page' },
  { command: 'more', on: ['+', '='], show: '+ -', text: 'more or fewer images per page' }, { command: 'fewer', on: ['-'] },
  { command: 'close', on: ['Escape'], show: 'Esc', text: 'close what is open' },
  { command: 'help', on: ['?'], show: '?', text: 'this help' },
];

const REPEATABLE = ['left', 'right', 'up', 'down'];

export const HELP = helpOf(KEYS);

// A look at the large image with Shift goes on while the arrows move from image to image.
export const commandOf = commandsOf(KEYS, (letter) => (isSign(letter) && letter !== ' ') || letter.startsWith('Arrow'));

// A key that is held down does only what may be done many times.
/** @param {string} command */
export const mayRepeat = (command) => REPEATABLE.includes(command);
