// One category beside the image: its state, its bar, its keys; restyled in place.

import { h } from '../shared/dom.js';

const MARKS = { present: '✓', absent: '✕', unsure: '?', conflict: '≠' };
const WORDS = { present: 'present', absent: 'absent', unsure: 'cannot tell', conflict: 'people disagree', unknown: 'unknown' };

export class Row {
  constructor(category, digit, { onPick }) {
    this.category = category;
    this.bar = h('i', { class: 'an-fill' });
    this.mark = h('span', { class: 'an-mark', 'aria-hidden': 'true' });
    this.name = h('span', { class: 'an-name', text: category.name, dir: 'auto' });
    this.why = h('span', { class: 'an-why', dir: 'auto' });
    this.hot = h('kbd', { class: 'an-hot', 'aria-hidden': 'true' });
    // For mouse and finger; the keyboard has R and Shift with the digit.
    this.not = h('span', { class: 'an-not', 'aria-hidden': 'true', title: 'absent', text: '✕' });
    this.element = h('div', {
      class: 'an-row', role: 'checkbox', tabindex: -1, 'aria-checked': 'mixed', 'data-category': category.id,
    }, this.bar, this.mark, this.name, this.why, this.not, this.hot);
    if (digit) this.element.append(h('kbd', { text: digit, 'aria-hidden': 'true' }));
    this.digit = digit;
    this.takeKey(category.key);
    this.element.addEventListener('click', (event) => {
      onPick(this, event.shiftKey || this.not.contains(event.target) ? 'absent' : 'present');
    });
    this.element.addEventListener('contextmenu', (event) => {
      event.preventDefault();
      if (event.pointerType !== 'touch') onPick(this, 'absent');
    });
  }

  takeKey(key) {
    this.hot.textContent = (key ?? '').toUpperCase();
    delete this.hot.dataset.key;
    this.hot.hidden = !key;
    const keys = [this.digit, key?.length === 1 && key].filter(Boolean).join(' ');
    if (keys) this.element.setAttribute('aria-keyshortcuts', keys);
    else this.element.removeAttribute('aria-keyshortcuts');
  }

  draw(pair, focused) {
    const key = [pair.state, pair.score, pair.suggested, pair.ranked, pair.by, pair.implied, pair.why, focused].join('|');
    if (key === this.drawn) return;
    this.drawn = key;
    const { element } = this;
    const isOpen = pair.state === 'unknown' || pair.state === 'unsure';
    const suggested = pair.suggested && isOpen && !pair.implied;
    const percent = pair.score == null ? 0 : Math.round(pair.score * 100);
    element.dataset.state = pair.state;
    element.dataset.implied = pair.implied ?? '';
    element.classList.toggle('suggested', suggested);
    element.classList.toggle('ranked', pair.ranked);
    element.classList.toggle('focused', focused);
    element.classList.toggle('clash', Boolean(pair.clash));
    element.tabIndex = focused ? 0 : -1;
    element.setAttribute('aria-checked', { present: 'true', absent: 'false' }[pair.state] ?? 'mixed');
    this.bar.style.width = `${percent}%`;
    this.mark.textContent = MARKS[pair.state] ?? MARKS[pair.implied] ?? (suggested ? '✦' : '');
    this.why.textContent = pair.why;
    const words = this.#words(pair, percent, suggested);
    element.setAttribute('aria-label', words);
    const about = this.category.description ? `\n${this.category.description}` : '';
    element.title = `${words}${about}\nclick: present · Shift-click or right click: absent`;
  }

  #words(pair, percent, suggested) {
    const parts = [this.category.name, WORDS[pair.state]];
    if (pair.by) parts.push(`by ${pair.by}`);
    if (pair.why) parts.push(pair.implied ? `counts as ${pair.implied} ${pair.why}` : pair.why);
    if (suggested) parts.push('suggested');
    if (pair.score != null) parts.push(pair.ranked ? 'ranked by likeness only' : `${percent} percent`);
    return parts.join(', ');
  }
}
