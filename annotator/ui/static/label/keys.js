// The keys of the Label page, from which its commands, its help and the reserved keys come.

import { commandsOf, helpOf } from '../shared/keyboard.js';

// `PAGE_KEYS` in services/catalogue/hotkeys.py names the same signs and letters, and G (page_keys.js).
export const KEYS = [
  { command: 'digit', on: ['1', '2', '3', '4', '5', '6', '7', '8', '9', '0'], show: '1 … 9 0', text: 'the row with that digit is present; again: back to unknown. A filled digit is new on its row' },
  { command: 'digitAbsent', on: [], show: 'Shift 1 … 0', text: 'the row with that digit is absent' },
  { command: 'up', on: ['ArrowUp'], show: '↑ ↓', text: 'previous and next row' },
  { command: 'down', on: ['ArrowDown'] },
  { command: 'accept', on: ['a'], text: 'accept: the row is present' },
  { command: 'reject', on: ['r'], text: 'reject: the row is absent' },
  { command: 'unsure', on: ['s'], text: 'cannot tell; you are not asked again' },
  { command: 'cycle', on: [' '], text: 'cycle through present, absent and unknown' },
  { command: 'nextSuggestion', on: ['n'], text: 'go to the next suggestion' },
  { command: 'acceptAll', on: ['Shift+a'], text: 'accept all suggestions that are in view' },
  { command: 'complete', on: ['Enter'], text: 'the main button: accept what is marked ✦, the rest in view is absent but for ✧, next image' },
  { command: 'completeAll', on: ['Shift+Enter'], text: 'the whole list: accept ✦, all else is absent, in view or not, ✧ too; next image' },
  { command: 'next', on: ['ArrowRight'], text: 'next image; what is open stays unknown' },
  { command: 'sweep', on: ['x'], text: 'mark the rest of this image absent; again: what is marked ✦ or ✧ too' },
  { command: 'sweepGroup', on: ['Shift+x'], text: 'mark the rest of this row\'s group absent' },
  { command: 'skip', on: ['p'], text: 'skip this image for now; it comes back later' },
  { command: 'previous', on: ['ArrowLeft'], text: 'previous image' },
  { command: 'undo', on: ['u', 'Ctrl+z'], text: 'undo, as far back as you like' },
  { command: 'redo', on: ['Shift+u', 'Ctrl+y', 'Ctrl+Shift+z'], show: 'Shift+U Ctrl+Y', text: 'redo' },
  { command: 'find', on: ['/'], text: 'find a category by its first letters; Enter: present, Shift Enter: absent, Esc: go to its row. After each the keys are those of the page again; / finds the next' },
  { command: 'groups', on: ['l'], text: 'expand or collapse the groups of a long list' },
  { command: 'hotkey', on: ['k'], text: 'choose a shortcut for this category' },
  { command: 'hotkeyCode', on: [','], text: 'start a multi-key shortcut; Esc cancels' },
  { command: 'evidence', on: ['e'], text: 'why this is suggested' },
  { command: 'history', on: ['h'], text: 'history of this row: who answered what' },
  { command: 'flag', on: ['f'], text: 'flag this image with a note' },
  { command: 'openImage', on: ['o'], text: 'open any image by number or name, or one of your bookmarks' },
  { command: 'bookmark', on: ['b'], givesWay: true, text: 'bookmark this image, or remove the bookmark' },
  { command: 'information', on: ['i'], givesWay: true, text: 'about this image: size, file, date, camera' },
  { command: 'similar', on: ['w'], givesWay: true, text: 'more like this: the list of all images, the most similar first' },
  { command: 'adjust', on: ['c'], givesWay: true, text: 'brightness and contrast' },
  { command: 'fullScreen', on: ['v'], givesWay: true, text: 'the image on the whole screen; Esc goes back' },
  { command: 'zoom', on: ['z'], text: 'zoom to full size and back' },
  { command: 'zoomIn', on: ['+', '='], show: '+ -', text: 'zoom in and out, as with the mouse wheel' },
  { command: 'zoomOut', on: ['-'] },
  { command: 'panLeft', on: ['Shift+ArrowLeft'], show: 'Shift ← ↑ → ↓', text: 'pan the zoomed image' },
  { command: 'panUp', on: ['Shift+ArrowUp'] },
  { command: 'panRight', on: ['Shift+ArrowRight'] },
  { command: 'panDown', on: ['Shift+ArrowDown'] },
  { command: 'lookForMore', on: [], show: 'J', text: 'look for more of a rare category, while the page offers it' },
  { command: 'refresh', on: ['m'], text: 'use a new version for this image now' },
  { command: 'close', on: ['Escape'], text: 'close what is open' },
  { command: 'help', on: ['?'], text: 'this help' },
];

export const HELP = helpOf(KEYS);

const GIVING_WAY = KEYS.filter(({ givesWay }) => givesWay).map(({ command }) => command);

// A category's own shortcut comes before these keys, which have a button on the image as well.
/** @param {string | null} command */
export const givesWay = (command) => command === null || GIVING_WAY.includes(command);

export const commandOf = commandsOf(KEYS);

const REPEATABLE = ['up', 'down', 'next', 'previous', 'zoomIn', 'zoomOut', 'panLeft', 'panRight', 'panUp', 'panDown'];

// A key that is held down does only what may be done many times.
/** @param {string} command */
export const mayRepeat = (command) => REPEATABLE.includes(command);
