// Keys that answer one category: a letter or sign, or a code that begins with a comma.

import { dialog, h } from '../shared/dom.js';
import { letterOf } from '../shared/keys.js';

const LEADER = ',';
const SHOWN = 6; // codes that the line over the picture lists

export class Hotkeys {
  // `line` is where a code is shown while it is typed; `onPick(id, state)` gets the category.
  constructor(server, line, { onPick, onKeys }) {
    Object.assign(this, { server, line, onPick, onKeys, typed: '', byKey: new Map() });
    this.input = h('input', { class: 'an-find an-press', maxlength: 3, 'aria-label': 'Key', autocomplete: 'off' });
    this.wrong = h('p', { class: 'an-wrong', role: 'alert' });
    this.of = h('b', { dir: 'auto' });
    const form = h('form', {},
      h('p', {}, 'Press the key for ', this.of, ': a letter or sign that is free, or a comma and one or two letters. ',
        'With Shift it says absent. Backspace: no key.'),
      this.input, this.wrong, h('div', { class: 'an-bar' }, h('button', { class: 'an-btn primary', type: 'submit', text: 'Keep' }),
        h('button', { class: 'an-btn', type: 'button', text: 'Cancel', onclick: () => this.element.close() })));
    form.addEventListener('submit', (event) => { event.preventDefault(); this.#keep(); });
    this.input.addEventListener('keydown', (event) => this.#press(event));
    this.element = dialog('A key for this category', form);
  }

  take(categories) { this.byKey = new Map(categories.filter(({ key }) => key).map(({ key, id, name }) => [key, { id, name }])); }

  // ---- answering by key

  // True if the key belongs to a category or a code in hand.
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

  // True if there was something to forget.
  forget() {
    const had = Boolean(this.typed);
    this.typed = '';
    this.line.hidden = true;
    return had;
  }

  #typeOn(letter, shift) {
    const code = this.typed + letter;
    if (this.byKey.has(code)) this.#pick(code, shift);
    else if ([...this.byKey.keys()].some((key) => key.startsWith(code))) {
      this.typed = code;
      this.#show();
    } else this.#show(`${code}: no category has this code`);
  }

  #pick(key, isAbsent) {
    this.forget();
    this.onPick(this.byKey.get(key).id, isAbsent ? 'absent' : 'present');
  }

  #show(wrong = '') {
    const fits = [...this.byKey].filter(([key]) => key.startsWith(this.typed));
    const codes = fits.slice(0, SHOWN).map(([key, { name }]) => h('span', {}, h('kbd', { text: key.slice(1).toUpperCase() }), h('bdi', { text: name })));
    const hint = fits.length ? [] : [h('span', { text: 'No category has a code yet; K gives the chosen row one.' })];
    if (fits.length > SHOWN) hint.push(h('span', { text: `and ${fits.length - SHOWN} more` }));
    this.line.replaceChildren(h('b', { text: wrong || this.typed }), ...codes, ...hint);
    this.line.hidden = false;
  }

  // ---- choosing a key

  open(category) {
    Object.assign(this, { category, typing: false });
    this.of.textContent = category.name;
    this.input.value = category.key ?? '';
    this.wrong.textContent = '';
    this.element.showModal();
    this.input.focus();
    this.input.select();
  }

  // The key itself is taken, not what an input method makes of it.
  #press(event) {
    const letter = letterOf(event);
    const isOther = event.ctrlKey || event.metaKey || ['Enter', 'Escape', 'Tab'].includes(event.key);
    if (isOther || !this.element.open) return;
    event.preventDefault();
    this.wrong.textContent = '';
    if (letter.length > 1) {
      if (event.key === 'Backspace' || event.key === 'Delete') this.input.value = '';
    } else if (this.input.value.startsWith(LEADER) && this.input.value.length < 3 && letter !== LEADER && this.typing) this.input.value += letter;
    else this.input.value = letter;
    this.typing = true;
  }

  async #keep() {
    const said = await this.server.call('set_hotkey', { category: this.category.id, key: this.input.value });
    this.wrong.textContent = said.ok ? '' : said.message ?? 'The server does not answer; try again in a moment.';
    if (!said.ok) return;
    this.onKeys(said.keys);
    this.element.close();
  }
}
