// The keyboard: one listener for the page, silent while somebody types or a dialog is open.

const TEXT = 'textarea, select, [contenteditable], input:not([type=checkbox]):not([type=range])';

// Digits by their place on the keyboard, so that French and German layouts work without Shift tricks.
export function digitOf(event) {
  if (event.ctrlKey || event.metaKey) return -1;
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
    const target = event.target instanceof Element ? event.target : null;
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

const PLAIN = {
  a: 'accept', r: 'reject', s: 'unsure', ' ': 'cycle', x: 'sweep', u: 'undo', m: 'refresh', n: 'nextSuggestion',
  f: 'filter', '/': 'filter', '?': 'help', Enter: 'next', ArrowRight: 'next', ArrowLeft: 'previous',
  ArrowDown: 'down', ArrowUp: 'up',
};
const SHIFTED = { a: 'acceptAll', u: 'redo', '?': 'help', '/': 'filter' };

export function command(event) {
  const letter = letterOf(event);
  if (event.ctrlKey || event.metaKey) {
    if (letter === 'z') return event.shiftKey ? 'redo' : 'undo';
    return letter === 'y' ? 'redo' : null;
  }
  return (event.shiftKey ? SHIFTED : PLAIN)[letter] ?? null;
}

// Letters by what they print, or by their place where the layout has no Latin letters.
function letterOf({ key, code }) {
  if (key.length > 1) return key;
  const place = /^Key([A-Z])$/.exec(code ?? '');
  return (key.charCodeAt(0) > 127 && place ? place[1] : key).toLowerCase();
}

export const HELP = [
  ['1 … 9 0', 'present, for the row with that digit; again: back to unknown'],
  ['Shift 1 … 0', 'absent, for the row with that digit'],
  ['↑ ↓', 'move from row to row'],
  ['A', 'accept: the row is present'],
  ['R', 'reject: the row is absent'],
  ['S', 'cannot tell; you are not asked again'],
  ['Space', 'present, absent, unknown in turn'],
  ['N', 'to the next suggestion'],
  ['Shift A', 'accept all suggestions that are in view'],
  ['X', 'the rest of this image is absent'],
  ['Enter →', 'next image; untouched rows stay unknown'],
  ['←', 'previous image'],
  ['U Ctrl Z', 'undo'],
  ['Shift U Ctrl Y', 'redo'],
  ['/ F', 'find a category; Enter present, Shift Enter absent, Esc leaves'],
  ['M', 'use a new version for this image now'],
  ['?', 'this help'],
];
