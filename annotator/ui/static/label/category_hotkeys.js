// Keys that answer one category: a letter or sign, or a code that begins with a comma.

import { dialog, h } from '../shared/dom.js';
import { letterOf } from '../shared/keyboard.js';

/** @import { Category, Decision } from '../shared/wire.d.ts' */
/** @import { Server } from '../shared/server.js' */

const LEADER = ',';
const SHOWN = 6; // codes that the line over the image lists

export class CategoryHotkeys {
  /**
   * @param {Server} server
   * @param {HTMLElement} line where a code is shown while it is typed
   * @param {{ onPick: (category: number, state: Decision) => void, onKeys: (keys: Record<string, string>) => void }} listeners
   */
  constructor(server, line, { onPick, onKeys }) {
    this.server = server;
    this.line = line;
    this.onPick = onPick;
    this.onKeys = onKeys;
    this.typed = '';
    /** @type {Map<string, Category>} */
    this.byKey = new Map();
    /** @type {Category | null} */
    this.category = null; // whose key is chosen in the dialog
    this.isTyping = false;
    this.input = h('input', { class: 'an-find an-press', maxlength: 3, 'aria-label': 'Key', autocomplete: 'off' });
    this.wrong = h('p', { class: 'an-wrong', role: 'alert' });
    this.of = h('b', { dir: 'auto' });
    const form = h('form', {},
      h('p', {}, 'Press the key for ', this.of, ': any unused letter or sign, or a comma followed by one or two letters. ',
        'With Shift the same key marks it absent. Backspace removes the key.'),
      this.input, this.wrong, h('div', { class: 'an-bar' }, h('button', { class: 'an-btn primary', type: 'submit', text: 'Save' }),
        h('button', { class: 'an-btn', type: 'button', text: 'Cancel', onclick: () => this.element.close() })));
    form.addEventListener('submit', (event) => { event.preventDefault(); this.#save(); });
    this.input.addEventListener('keydown', (event) => this.#press(event));
    this.element = dialog('Shortcut for this category', form);
  }

  /** @param {Category[]} categories */
  use(categories) {
    this.byKey = new Map(categories.filter(({ key }) => key).map((category) => [category.key, category]));
  }

  // ---- answering by key

  // True if the key belongs to a category or to a code that was begun.
  /** @param {KeyboardEvent} event */
  key(event) {
    if (event.ctrlKey || event.metaKey) return false;
    const letter = letterOf(event);
    if (letter.length > 1) return false;
    if (this.typed) this.#typeOn(letter, event.shiftKey);
    else if (this.byKey.has(letter)) this.#pick(letter, event.shiftKey && /\p{L}/u.test(letter));
    else return false;
    return true;
  }

  begin() {
    this.typed = LEADER;
    this.#show();
  }

  // True if a code was begun.
  cancel() {
    const had = Boolean(this.typed);
    this.typed = '';
    this.line.hidden = true;
    return had;
  }

  /** @param {string} letter @param {boolean} shift */
  #typeOn(letter, shift) {
    const code = this.typed + letter;
    if (this.byKey.has(code)) this.#pick(code, shift);
    else if ([...this.byKey.keys()].some((key) => key.startsWith(code))) {
      this.typed = code;
      this.#show();
    } else this.#show(`${code}: no category has this shortcut`);
  }

  /** @param {string} key @param {boolean} isAbsent */
  #pick(key, isAbsent) {
    this.cancel();
    const category = this.byKey.get(key);
    if (category) this.onPick(category.id, isAbsent ? 'absent' : 'present');
  }

  #show(wrong = '') {
    const fits = [...this.byKey].filter(([key]) => key.startsWith(this.typed));
    const codes = fits.slice(0, SHOWN).map(([key, { name }]) => h('span', {}, h('kbd', { text: key.slice(1).toUpperCase() }), h('bdi', { text: name })));
    const hint = fits.length ? [] : [h('span', { text: 'No category has a multi-key shortcut yet; press K to give one to the chosen row.' })];
    if (fits.length > SHOWN) hint.push(h('span', { text: `and ${fits.length - SHOWN} more` }));
    this.line.replaceChildren(h('b', { text: wrong || this.typed }), ...codes, ...hint);
    this.line.hidden = false;
  }

  // ---- choosing a key

  /** @param {Category} category */
  open(category) {
    this.category = category;
    this.isTyping = false;
    this.of.textContent = category.name;
    this.input.value = category.key ?? '';
    this.wrong.textContent = '';
    this.element.showModal();
    this.input.focus();
    this.input.select();
  }

  // The key itself is taken, not what an input method makes of it.
  /** @param {KeyboardEvent} event */
  #press(event) {
    const letter = letterOf(event);
    const isOther = event.ctrlKey || event.metaKey || ['Enter', 'Escape', 'Tab'].includes(event.key);
    if (isOther || !this.element.open) return;
    event.preventDefault();
    this.wrong.textContent = '';
    if (letter.length > 1) {
      if (event.key === 'Backspace' || event.key === 'Delete') this.input.value = '';
    } else if (this.input.value.startsWith(LEADER) && this.input.value.length < 3 && letter !== LEADER && this.isTyping) this.input.value += letter;
    else this.input.value = letter;
    this.isTyping = true;
  }

  async #save() {
    if (!this.category) return;
    const reply = await this.server.call('set_hotkey', { category: this.category.id, key: this.input.value });
    this.wrong.textContent = reply.ok ? '' : reply.message ?? 'The server does not answer; try again in a moment.';
    if (!reply.ok) return;
    this.onKeys(reply.keys);
    this.element.close();
  }
}
