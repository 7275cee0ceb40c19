// The keys of the Review page: answers have the letters of the Label page.

import { letterOf } from '../shared/keys.js';

const KEYS = [
  { act: 'left', on: ['ArrowLeft'], show: '← ↑ → ↓', text: 'move from pair to pair' },
  { act: 'right', on: ['ArrowRight'] }, { act: 'up', on: ['ArrowUp'] }, { act: 'down', on: ['ArrowDown'] },
  { act: 'first', on: ['Home'], show: 'Home End', text: 'to the first and the last that is loaded' },
  { act: 'last', on: ['End'] },
  { act: 'present', on: ['a'], show: 'A', text: 'present, for the pair or for all that are selected' },
  { act: 'absent', on: ['r'], show: 'R', text: 'absent' },
  { act: 'unsure', on: ['s'], show: 'S', text: 'cannot tell' },
  { act: 'cleared', on: ['c'], show: 'C', text: 'take your own answer off' },
  { act: 'decide', on: ['d'], show: 'D', text: 'from now on your answers decide conflicts, or no longer' },
  { act: 'select', on: ['x', ' '], show: 'X Space', text: 'select the pair, or no longer' },
  { act: 'extendRight', on: ['Shift+ArrowRight'], show: 'Shift ← ↑ → ↓', text: 'select from pair to pair' },
  { act: 'extendLeft', on: ['Shift+ArrowLeft'] }, { act: 'extendUp', on: ['Shift+ArrowUp'] }, { act: 'extendDown', on: ['Shift+ArrowDown'] },
  { act: 'selectAll', on: ['Shift+x', 'Ctrl+a'], show: 'Shift X', text: 'select all that are loaded' },
  { act: 'selectNone', on: ['Escape'], show: 'Esc', text: 'select none' },
  { act: 'undo', on: ['u', 'Ctrl+z'], show: 'U Ctrl Z', text: 'undo' },
  { act: 'redo', on: ['Shift+u', 'Ctrl+y', 'Ctrl+Shift+z'], show: 'Shift U Ctrl Y', text: 'redo' },
  { act: 'history', on: ['h'], show: 'H', text: 'show or hide who said what about the pair' },
  { act: 'open', on: ['Enter'], show: '⏎', text: 'open the image on the Label page' },
  { act: 'resolve', on: ['g'], show: 'G', text: 'take the flag off the image' },
  { act: 'filters', on: ['/', 'f'], show: '/ F', text: 'to the filters; Esc comes back' },
  { act: 'again', on: ['m'], show: 'M', text: 'list anew, with what has changed' },
  { act: 'help', on: ['?'], show: '?', text: 'this help' },
];

const ACTS = new Map(KEYS.flatMap(({ act, on }) => on.map((keys) => [keys, act])));

export const HELP = KEYS.filter(({ text }) => text).map(({ show, text }) => [show, text]);

const REPEATABLE = /^(?:left|right|up|down|extend)/;

// What the page does on this key, null if nothing.
export function reviewCommand(event) {
  const letter = letterOf(event);
  const isSign = letter.length === 1 && !/\p{L}/u.test(letter); // what a sign prints has its Shift in it
  const shift = event.shiftKey && !isSign ? 'Shift+' : '';
  const control = event.ctrlKey || event.metaKey ? 'Ctrl+' : '';
  const act = ACTS.get(control + shift + letter) ?? null;
  return act && event.repeat && !REPEATABLE.test(act) ? 'nothing' : act;
}
