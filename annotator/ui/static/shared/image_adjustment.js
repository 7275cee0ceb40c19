// Brightness and contrast of the large image: how it looks in this tab, never what it is.

import { h } from './dom.js';
import { projectKey } from './project.js';

const USUAL = 100; // percent
const [LEAST, MOST, STEP] = [20, 300, 5];
const NOTE = 'Only how images look in this tab: files, suggestions and what others see stay as they are.';

/** @typedef {'brightness' | 'contrast'} Quality */

/** @type {[Quality, string][]} */
const QUALITIES = [['brightness', 'Brightness'], ['contrast', 'Contrast']];

export class ImageAdjustment {
  /** @param {HTMLElement} root its large images are shown so @param {{ onChange: () => void }} listeners */
  constructor(root, { onChange }) {
    this.root = root;
    this.onChange = onChange;
    this.key = `annotator-look:${projectKey()}`;
    /** @type {Record<Quality, number>} */
    this.values = { brightness: USUAL, contrast: USUAL };
    this.sliders = QUALITIES.map(([quality, label]) => {
      const input = h('input', { type: 'range', min: LEAST, max: MOST, step: STEP, 'aria-label': label });
      input.addEventListener('input', () => this.#set({ ...this.values, [quality]: Number(input.value) }));
      return { quality, label, input, output: h('output') };
    });
    this.element = h('div', { class: 'an-adjust', role: 'group', 'aria-label': 'Brightness and contrast', hidden: true },
      ...this.sliders.map(({ label, input, output }) => h('label', {}, h('span', { text: label }), input, output)),
      h('small', { text: NOTE }),
      h('div', { class: 'an-bar' }, h('button', { class: 'an-btn', type: 'button', text: 'Reset', onclick: () => this.#set({ brightness: USUAL, contrast: USUAL }) }),
        h('button', { class: 'an-btn', type: 'button', text: 'Close', onclick: () => this.close() })));
    this.sign = h('button', { class: 'an-adjusted', type: 'button', hidden: true, title: NOTE, onclick: () => this.toggle() });
    this.element.addEventListener('keydown', (event) => this.#key(event));
    this.#set(recall(this.key));
  }

  get isOpen() { return !this.element.hidden; }

  get isUsual() { return QUALITIES.every(([quality]) => this.values[quality] === USUAL); }

  toggle() {
    if (this.isOpen) this.close();
    else {
      this.element.hidden = false;
      this.sliders[0].input.focus();
      this.onChange();
    }
  }

  // True if it was open.
  close() {
    const had = this.isOpen;
    this.element.hidden = true;
    if (document.activeElement instanceof HTMLElement && this.element.contains(document.activeElement)) document.activeElement.blur();
    if (had) this.onChange();
    return had;
  }

  // A slider has the arrows while it has the focus; all other keys stay those of the page.
  /** @param {KeyboardEvent} event */
  #key(event) {
    const isSlider = event.target instanceof HTMLInputElement;
    const isOwn = /^(?:Arrow|Home|End|Page)/.test(event.key) && !event.shiftKey;
    if (isSlider && event.key === 'Enter') {
      event.preventDefault();
      this.close();
    }
    if (event.key === 'Enter' || (isSlider && isOwn)) event.stopPropagation();
  }

  /** @param {Record<Quality, number>} values */
  #set(values) {
    this.values = values;
    const filter = QUALITIES.map(([quality]) => `${quality}(${values[quality]}%)`).join(' ');
    if (this.isUsual) this.root.style.removeProperty('--an-look');
    else this.root.style.setProperty('--an-look', filter);
    for (const { quality, input, output } of this.sliders) {
      input.value = String(values[quality]);
      output.textContent = `${values[quality]} %`;
    }
    this.sign.hidden = this.isUsual;
    this.sign.textContent = `Brightness ${values.brightness} %, contrast ${values.contrast} %`;
    try {
      sessionStorage.setItem(this.key, JSON.stringify(values));
    } catch {
      // It holds until the page is left.
    }
    this.onChange();
  }
}

/** @param {string} key @returns {Record<Quality, number>} */
function recall(key) {
  const values = { brightness: USUAL, contrast: USUAL };
  try {
    const kept = JSON.parse(sessionStorage.getItem(key) ?? '{}');
    for (const [quality] of QUALITIES) if (kept[quality] >= LEAST && kept[quality] <= MOST) values[quality] = kept[quality];
  } catch {
    // Nothing was kept: as the files have it.
  }
  return values;
}
