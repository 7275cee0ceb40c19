// The keys of the Verify page: shared ones mean what they mean on the Label page.

import { letterOf } from '../shared/keys.js';

const KEYS = [
  { act: 'flip', on: [' '], show: 'Space', text: 'flip: present or absent' },
  { act: 'code', on: [], show: '3 C', text: 'flip the image with this code; further letters flip more of that row' },
  { act: 'codeUnsure', on: [], show: '3 ⇧C', text: 'cannot tell, by code; Esc forgets the digit' },
  { act: 'left', on: ['ArrowLeft'], show: '← ↑ → ↓', text: 'from image to image' },
  { act: 'right', on: ['ArrowRight'] }, { act: 'up', on: ['ArrowUp'] }, { act: 'down', on: ['ArrowDown'] },
  { act: 'unsure', on: ['s'], show: 'S', text: 'cannot tell; you are not asked again' },
  { act: 'commit', on: ['Enter'], show: '⏎', text: 'save what was in view, next page' },
  { act: 'rest', on: ['x'], show: 'X', text: 'no guess: the rest of what was in view is absent; again: open' },
  { act: 'finish', on: ['Shift+Enter'], show: 'Shift+⏎', text: 'no guess: the rest is absent, save, next page' },
  { act: 'undo', on: ['u', 'Ctrl+z'], show: 'U Ctrl+Z', text: 'take the last page back' },
  { act: 'redo', on: ['Shift+u', 'Ctrl+y', 'Ctrl+Shift+z'], show: 'Shift+U Ctrl+Y', text: 'redo' },
  { act: 'allPresent', on: ['m'], show: 'M', text: 'mark all present' },
  { act: 'allAbsent', on: ['Shift+m'], show: 'Shift+M', text: 'mark all absent' },
  { act: 'mode', on: [], show: '⇧1 ⇧2 ⇧3 ⇧4', text: 'confirm, sweep, decide, more like these' },
  { act: 'like', on: ['f'], show: 'F', text: 'find more like this image' },
  { act: 'nextCategory', on: ['n'], show: 'N P', text: 'next and previous category' }, { act: 'previousCategory', on: ['p'] },
  { act: 'choose', on: ['/'], show: '/', text: 'choose a category' },
  { act: 'large', on: ['l'], show: 'L', text: 'show the image large; hold Shift for a look' },
  { act: 'zoom', on: ['z'], show: 'Z', text: 'full size, while it is large' },
  { act: 'open', on: ['i'], show: 'I', text: 'open the image on the Label page' },
  { act: 'more', on: ['+', '='], show: '+ -', text: 'more or fewer images on a page' }, { act: 'fewer', on: ['-'] },
  { act: 'close', on: ['Escape'], show: 'Esc', text: 'close what is open' },
  { act: 'help', on: ['?'], show: '?', text: 'this help' },
];

const ACTS = new Map(KEYS.flatMap(({ act, on }) => on.map((keys) => [keys, act])));
const REPEATABLE = ['left', 'right', 'up', 'down'];

export const HELP = KEYS.filter(({ text }) => text).map(({ show, text }) => [show, text]);

// What the page does on this key, null if nothing.
export function verifyCommand(event) {
  const letter = letterOf(event);
  const isSign = letter.length === 1 && !/\p{L}/u.test(letter) && letter !== ' ';
  const isArrow = letter.startsWith('Arrow');
  const shift = event.shiftKey && !isSign && !isArrow ? 'Shift+' : '';
  const control = event.ctrlKey || event.metaKey ? 'Ctrl+' : '';
  return ACTS.get(control + shift + letter) ?? null;
}

// A key that is held down does only what may be done many times.
export const mayRepeat = (name) => REPEATABLE.includes(name);
