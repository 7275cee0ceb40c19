// The keyboard: tables of keys and what they do, the digits and letters of any layout, and one
// listener that is silent while somebody types or a dialog is open.

const TEXT = 'textarea, select, [contenteditable], input:not([type=checkbox]):not([type=range])';

/**
 * @typedef {object} KeyRow a line of a page's table of keys
 * @property {string} command what the page does
 * @property {string[]} on the keys that do it, as `Shift+a` or `Ctrl+z`
 * @property {string} [text] what the help says; a line without one is said by another
 * @property {boolean} [givesWay] a category's own shortcut comes first
 * @property {string} [show] how the help writes the keys, if not as in `on`
 */
/** @typedef {Pick<KeyboardEvent, 'key'> & Partial<KeyboardEvent>} Key */

const SIGNS = new Map([[' ', 'Space'], ['Enter', '⏎'], ['ArrowLeft', '←'], ['ArrowRight', '→'], ['ArrowUp', '↑'], ['ArrowDown', '↓'], ['Escape', 'Esc']]);

// For the help dialog: pairs of keys and what they do.
/** @param {KeyRow[]} table */
export const helpOf = (table) => table.filter(({ text }) => text).map(({ on, show, text }) => [show ?? on.map(keyText).join(' '), text ?? '']);

// Returns what says which command a key is, null if none. `ignoresShift` is for keys that are the
// same with Shift and without.
/**
 * @param {KeyRow[]} table
 * @param {(letter: string) => boolean} [ignoresShift]
 * @returns {(event: KeyboardEvent) => string | null}
 */
export function commandsOf(table, ignoresShift = isSign) {
  const commands = new Map(table.flatMap(({ command, on }) => on.map((keys) => /** @type {const} */ ([keys, command]))));
  return (event) => {
    const letter = letterOf(event);
    const shift = event.shiftKey && !ignoresShift(letter) ? 'Shift+' : '';
    const control = event.ctrlKey || event.metaKey ? 'Ctrl+' : '';
    return commands.get(control + shift + letter) ?? null;
  };
}

// What a sign prints has its Shift in it.
/** @param {string} letter */
export const isSign = (letter) => letter.length === 1 && !/\p{L}/u.test(letter);

/** @param {string} key */
const isForeign = (key) => /\p{L}/u.test(key) && !/\p{Script=Latin}/u.test(key);

// Digits by their place on the keyboard, so that French ones need no Shift; but what prints / or ? is
// that key, also where it shares its place with a digit, as on German and Russian keyboards.
/** @param {KeyboardEvent} event */
export function digitOf(event) {
  if (event.ctrlKey || event.metaKey || event.key === '/' || event.key === '?') return -1;
  const match = /^(?:Digit|Numpad)([0-9])$/.exec(event.code ?? '');
  return match ? (Number(match[1]) + 9) % 10 : -1; // 1..9, 0 -> 0..9
}

/** @param {HTMLElement} root @param {(event: KeyboardEvent) => boolean} handle */
export function listenToKeys(root, handle) {
  const listener = (/** @type {KeyboardEvent} */ event) => {
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

/** @type {Record<string, string | undefined>} */
const PLACES = { Comma: ',', Period: '.', Semicolon: ';', Slash: '/', Quote: "'", BracketLeft: '[', BracketRight: ']', Minus: '-', Equal: '=' };

// Letters by what they print, or by their place where the layout has no Latin letters.
/** @param {Key} event */
export function letterOf({ key, code = '' }) {
  if (key.length > 1) return key;
  const place = /^Key([A-Z])$/.exec(code)?.[1] ?? PLACES[code];
  return (isForeign(key) && place ? place : key).toLowerCase();
}

/** @param {string} keys */
function keyText(keys) {
  if (keys === '+') return keys;
  return keys.split('+').map((part) => SIGNS.get(part) ?? part.toUpperCase()).join('+').replace('SHIFT', 'Shift').replace('CTRL', 'Ctrl');
}

// The kbd elements of a page say what the person's own keyboard prints there.
export class Keycaps {
  /** @param {HTMLElement} root */
  constructor(root) {
    this.root = root;
    /** @type {Map<string, string>} */
    this.printed = new Map(); // what each place of the keyboard prints
    this.#readLayout();
  }

  async #readLayout() {
    try {
      // No other browser has it yet, so TypeScript does not know it.
      const { keyboard } = /** @type {{ keyboard?: { getLayoutMap?: () => Promise<Map<string, string>> } }} */ (navigator);
      for (const [code, key] of await keyboard?.getLayoutMap?.() ?? []) this.printed.set(code, key);
      this.paint();
    } catch {
      // Not told; the keys that are pressed will show it.
    }
  }

  /** @param {KeyboardEvent} event */
  learn({ key, code, shiftKey, ctrlKey, metaKey }) {
    if (shiftKey || ctrlKey || metaKey || key.length > 1 || !code || this.printed.get(code) === key) return;
    this.printed.set(code, key);
    if (isForeign(key)) this.paint();
  }

  paint() {
    if (![...this.printed.values()].some(isForeign)) return;
    for (const kbd of this.root.querySelectorAll('kbd')) {
      kbd.dataset.key ??= kbd.textContent ?? '';
      kbd.textContent = kbd.dataset.key.replace(/(^|[⇧+,])([A-Za-z])$/, (_, before, letter) => before + this.#of(letter));
    }
  }

  /** @param {string} letter */
  #of(letter) {
    const printed = this.printed.get(`Key${letter.toUpperCase()}`);
    return printed && isForeign(printed) ? printed.toUpperCase() : letter;
  }
}
