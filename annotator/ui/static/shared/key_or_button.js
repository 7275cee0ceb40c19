// How a sentence names what to press.

// The key, or on a touch device, where none is at hand, the button that does the same.
/** @param {string} key @param {string} button */
export const keyOr = (key, button) => (matchMedia('(hover: none)').matches ? button : key);

// Of a step that was just done.
/** @param {'it' | 'them'} [what] */
export const takesBack = (what = 'it') => `${keyOr('U', 'Undo')} takes ${what} back.`;
