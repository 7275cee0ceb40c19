// One category beside the image: its state, its bar, its keys; restyled in place.

import { h } from '../shared/dom.js';

/** @import { Category, Decision } from '../shared/wire.d.ts' */
/** @import { Pair } from './item.js' */

/** @type {Record<string, string | undefined>} */
const MARKS = { present: '✓', absent: '✕', unsure: '?', conflict: '≠' };
/** @type {Record<string, string | undefined>} */
const WORDS = { unsure: 'cannot tell', conflict: 'people disagree' };

export class CategoryRow {
  /**
   * @param {Category} category
   * @param {{ onPick: (row: CategoryRow, state: Decision) => void }} listeners
   */
  constructor(category, { onPick }) {
    this.category = category;
    this.drawn = '';
    this.bar = h('i', { class: 'an-fill' });
    this.mark = h('span', { class: 'an-mark', 'aria-hidden': 'true' });
    this.name = h('span', { class: 'an-name', text: category.name, dir: 'auto' });
    this.explanation = h('span', { class: 'an-why', dir: 'auto' });
    this.hotkey = h('kbd', { class: 'an-hot', 'aria-hidden': 'true' });
    this.digit = h('kbd', { class: 'an-digit', 'aria-hidden': 'true', hidden: true });
    this.isFresh = false;
    // For mouse and finger; the keyboard has R and Shift with the digit.
    this.absent = h('span', { class: 'an-not', 'aria-hidden': 'true', title: 'absent', text: '✕' });
    this.element = h('div', {
      class: 'an-row', role: 'checkbox', tabindex: -1, 'aria-checked': 'mixed', 'data-category': category.id,
    }, this.bar, this.mark, this.name, this.explanation, this.absent, this.hotkey, this.digit);
    this.setKey(category.key);
    this.element.addEventListener('click', (event) => {
      const isAbsent = event.shiftKey || (event.target instanceof Node && this.absent.contains(event.target));
      onPick(this, isAbsent ? 'absent' : 'present');
    });
    this.element.addEventListener('contextmenu', (event) => {
      event.preventDefault();
      if (!(event instanceof PointerEvent) || event.pointerType !== 'touch') onPick(this, 'absent');
    });
  }

  // The digit that answers it, empty: none; fresh if another category had it on the image before.
  /** @param {string} digit @param {boolean} [isFresh] */
  setDigit(digit, isFresh = false) {
    this.digit.textContent = digit;
    delete this.digit.dataset.key;
    this.digit.hidden = !digit;
    this.isFresh = isFresh;
    this.element.classList.toggle('fresh', isFresh);
    this.drawn = '';
    this.#nameKeys();
  }

  /** @param {string} key empty: none */
  setKey(key) {
    this.hotkey.textContent = (key ?? '').toUpperCase();
    delete this.hotkey.dataset.key;
    this.hotkey.hidden = !key;
    this.#nameKeys();
  }

  #nameKeys() {
    const { key } = this.category;
    const keys = [this.digit.textContent, key?.length === 1 && key].filter(Boolean).join(' ');
    if (keys) this.element.setAttribute('aria-keyshortcuts', keys);
    else this.element.removeAttribute('aria-keyshortcuts');
  }

  /** @param {Pair} pair @param {boolean} focused */
  draw(pair, focused) {
    const key = [...Object.values(pair), focused].join('|');
    if (key === this.drawn) return;
    this.drawn = key;
    const { element } = this;
    const isUndecided = (pair.state === 'unknown' || pair.state === 'unsure') && !pair.implied;
    const suggested = pair.suggested && isUndecided;
    const percent = pair.score == null ? 0 : Math.round(pair.score * 100);
    element.dataset.state = pair.state;
    element.dataset.implied = pair.implied ?? '';
    element.classList.toggle('suggested', suggested && !pair.ranked);
    element.classList.toggle('doubtful', suggested && pair.ranked);
    element.classList.toggle('focused', focused);
    element.classList.toggle('unlikely', pair.isUnlikely && !this.digit.hidden);
    element.classList.toggle('clash', pair.isContradicted);
    element.tabIndex = focused ? 0 : -1;
    element.setAttribute('aria-checked', pair.state === 'present' ? 'true' : pair.state === 'absent' ? 'false' : 'mixed');
    this.bar.style.width = pair.ranked ? '0' : `${percent}%`; // a bar reads as likely, and a rank is not that
    this.mark.textContent = MARKS[pair.state] ?? MARKS[pair.implied ?? ''] ?? (suggested ? (pair.ranked ? '✧' : '✦') : '');
    this.explanation.textContent = pair.explanation;
    const text = this.#text(pair, percent, suggested);
    element.setAttribute('aria-label', text);
    const about = this.category.description ? `\n${this.category.description}` : '';
    element.title = `${text}${about}\nclick: present · Shift-click or right click: absent`;
  }

  /** @param {Pair} pair @param {number} percent @param {boolean} suggested */
  #text(pair, percent, suggested) {
    const parts = [this.category.name, WORDS[pair.state] ?? pair.state];
    if (pair.by) parts.push(`by ${pair.by}`);
    if (pair.explanation) parts.push(pair.implied ? `counts as ${pair.implied} ${pair.explanation}` : pair.explanation);
    if (suggested) parts.push(pair.ranked ? 'worth a look' : 'suggested');
    if (pair.score != null) parts.push(pair.ranked ? 'ranked by likeness only' : `${percent} percent`);
    if (this.isFresh) parts.push(`new on ${this.digit.textContent}`);
    return parts.join(', ');
  }
}
