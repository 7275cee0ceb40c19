// The keyboard: one table of keys, from which the page's dispatch, its help and its reserved keys
// come, and one listener that is silent while somebody types or a dialog is open.

const TEXT = 'textarea, select, [contenteditable], input:not([type=checkbox]):not([type=range])';

// What the Label page does by itself. `PAGE_KEYS` in services/catalogue/hotkeys.py names the same signs and letters.
export const KEYS = [
  { act: 'digit', on: ['1', '2', '3', '4', '5', '6', '7', '8', '9', '0'], show: '1 … 9 0', text: 'present, for the row with that digit; again: back to unknown' },
  { act: 'digitAbsent', on: [], show: 'Shift 1 … 0', text: 'absent, for the row with that digit' },
  { act: 'up', on: ['ArrowUp'], show: '↑ ↓', text: 'move from row to row' },
  { act: 'down', on: ['ArrowDown'] },
  { act: 'accept', on: ['a'], text: 'accept: the row is present' },
  { act: 'reject', on: ['r'], text: 'reject: the row is absent' },
  { act: 'unsure', on: ['s'], text: 'cannot tell; you are not asked again' },
  { act: 'cycle', on: [' '], text: 'present, absent, unknown in turn' },
  { act: 'nextSuggestion', on: ['n'], text: 'to the next suggestion' },
  { act: 'acceptAll', on: ['Shift+a'], text: 'accept all suggestions that are in view' },
  { act: 'next', on: ['Enter', 'ArrowRight'], text: 'done, next image; untouched rows stay unknown' },
  { act: 'finish', on: ['Shift+Enter'], text: 'the rest is absent, next image' },
  { act: 'sweep', on: ['x'], text: 'the rest of this image is absent' },
  { act: 'sweepGroup', on: ['Shift+x'], text: 'the rest of this row\'s group is absent' },
  { act: 'skip', on: ['p'], text: 'skip this image for now; it comes back later' },
  { act: 'previous', on: ['ArrowLeft'], text: 'previous image' },
  { act: 'undo', on: ['u', 'Ctrl+z'], text: 'undo, as far back as you like' },
  { act: 'redo', on: ['Shift+u', 'Ctrl+y', 'Ctrl+Shift+z'], show: 'Shift+U Ctrl+Y', text: 'redo' },
  { act: 'find', on: ['/', 'f'], text: 'find a category: Enter present, Shift Enter absent, Esc leaves' },
  { act: 'groups', on: ['l'], text: 'open or fold the groups of a long list' },
  { act: 'hotkey', on: ['k'], text: 'choose a key for this category' },
  { act: 'code', on: [','], text: 'begin a code of two or three keys; Esc forgets it' },
  { act: 'evidence', on: ['e'], text: 'why this is suggested' },
  { act: 'history', on: ['h'], text: 'who said what about this row' },
  { act: 'flag', on: ['g'], text: 'flag this image with a note' },
  { act: 'goTo', on: ['o'], text: 'open any image by number or name' },
  { act: 'zoom', on: ['z'], text: 'full size, or the whole picture' },
  { act: 'zoomIn', on: ['+', '='], show: '+ -', text: 'zoom in and out; the wheel does, too' },
  { act: 'zoomOut', on: ['-'] },
  { act: 'panLeft', on: ['Shift+ArrowLeft'], show: 'Shift ← ↑ → ↓', text: 'move the zoomed picture' },
  { act: 'panUp', on: ['Shift+ArrowUp'] },
  { act: 'panRight', on: ['Shift+ArrowRight'] },
  { act: 'panDown', on: ['Shift+ArrowDown'] },
  { act: 'refresh', on: ['m'], text: 'use a new version for this image now' },
  { act: 'close', on: ['Escape'], text: 'close what is open' },
  { act: 'help', on: ['?'], text: 'this help' },
];

const SIGNS = { ' ': 'Space', Enter: '⏎', ArrowLeft: '←', ArrowRight: '→', ArrowUp: '↑', ArrowDown: '↓', Escape: 'Esc' };

const ACTS = new Map(KEYS.flatMap(({ act, on }) => on.map((keys) => [keys, act])));

export const HELP = KEYS.filter(({ text }) => text).map(({ on, show, text }) => [show ?? on.map(shown).join(' '), text]);

const isForeign = (key) => /\p{L}/u.test(key) && !/\p{Script=Latin}/u.test(key);

// Digits by their place on the keyboard, so that French ones need no Shift; but what prints / or ? is
// that key, also where it shares its place with a digit, as on German and Russian keyboards.
export function digitOf(event) {
  if (event.ctrlKey || event.metaKey || event.key === '/' || event.key === '?') return -1;
  const match = /^(?:Digit|Numpad)([0-9])$/.exec(event.code ?? '');
  return match ? (Number(match[1]) + 9) % 10 : -1; // 1..9, 0 -> 0..9
}

export function listenToKeys(root, handle) {
  const listener = (event) => {
    if (!root.isConnected) {
      document.removeEventListener('keydown', listener);
      return;
    }
    if (!root.offsetParent || event.defaultPrevented || event.isComposing || event.altKey) return;
    // The field of a dialog that has just been closed keeps the focus for a frame.
    const isGone = event.target instanceof Element && event.target.closest('dialog:not([open])');
    const target = event.target instanceof Element && !isGone ? event.target : null;
    if (target?.matches(TEXT) || document.querySelector('dialog[open]')) return;
    const own = event.key === 'Enter' || event.key === ' ';
    if (own && target?.closest('a, button, summary, [role=tab]')) return; // let them do their own thing
    if (handle(event)) {
      event.preventDefault();
      event.stopPropagation();
    }
  };
  document.addEventListener('keydown', listener);
}

// What the page does on this key, null if nothing.
export function command(event) {
  const letter = letterOf(event);
  const isSign = letter.length === 1 && !/\p{L}/u.test(letter); // what a sign prints has its Shift in it
  const shift = event.shiftKey && !isSign ? 'Shift+' : '';
  const control = event.ctrlKey || event.metaKey ? 'Ctrl+' : '';
  return ACTS.get(control + shift + letter) ?? null;
}

const PLACES = { Comma: ',', Period: '.', Semicolon: ';', Slash: '/', Quote: "'", BracketLeft: '[', BracketRight: ']', Minus: '-', Equal: '=' };

// Letters by what they print, or by their place where the layout has no Latin letters.
export function letterOf({ key, code = '' }) {
  if (key.length > 1) return key;
  const place = /^Key([A-Z])$/.exec(code)?.[1] ?? PLACES[code];
  return (isForeign(key) && place ? place : key).toLowerCase();
}

function shown(keys) {
  if (keys === '+') return keys;
  return keys.split('+').map((part) => SIGNS[part] ?? part.toUpperCase()).join('+').replace('SHIFT', 'Shift').replace('CTRL', 'Ctrl');
}

// The kbd elements of a page say what the person's own keyboard prints there.
export class Keycaps {
  constructor(root) {
    Object.assign(this, { root, printed: new Map() });
    this.#ask();
  }

  async #ask() {
    try {
      const layout = await navigator.keyboard?.getLayoutMap?.();
      for (const [code, key] of layout ?? []) this.printed.set(code, key);
      this.paint();
    } catch {
      // Not told; the keys that are pressed will show it.
    }
  }

  see({ key, code, shiftKey, ctrlKey, metaKey }) {
    if (shiftKey || ctrlKey || metaKey || key.length > 1 || !code || this.printed.get(code) === key) return;
    this.printed.set(code, key);
    if (isForeign(key)) this.paint();
  }

  paint() {
    if (![...this.printed.values()].some(isForeign)) return;
    for (const kbd of this.root.querySelectorAll('kbd')) {
      kbd.dataset.key ??= kbd.textContent;
      kbd.textContent = kbd.dataset.key.replace(/(^|[⇧+,])([A-Za-z])$/, (all, before, letter) => before + this.#of(letter));
    }
  }

  #of(letter) {
    const printed = this.printed.get(`Key${letter.toUpperCase()}`);
    return printed && isForeign(printed) ? printed.toUpperCase() : letter;
  }
}
