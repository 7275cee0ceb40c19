// Opening any image by its number or a part of its file name.

import { dialog, h, imageUrl } from '../shared/dom.js';
import { describeMark, showMark } from '../shared/image_mark.js';

/** @import { FoundImage } from '../shared/wire.d.ts' */
/** @import { Server } from '../shared/server.js' */
/** @import { ImageMarks } from './image_marks.js' */

const PATIENCE_MS = 120; // between the last letter and the question

export class OpenImageDialog {
  /** @param {Server} server @param {ImageMarks} marks @param {{ onPick: (image: number) => void }} listeners */
  constructor(server, marks, { onPick }) {
    this.server = server;
    this.marks = marks;
    this.onPick = onPick;
    /** @type {FoundImage[]} */
    this.found = [];
    this.at = 0;
    this.searched = ''; // the text to which `found` belongs
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.timer = undefined;
    this.input = h('input', {
      class: 'an-find', type: 'text', role: 'combobox', 'aria-expanded': 'true', 'aria-controls': 'an-found-images',
      'aria-label': 'Number or part of the file name', placeholder: 'Number or part of the file name', autocomplete: 'off', dir: 'auto',
    });
    this.list = h('div', { class: 'an-images', id: 'an-found-images', role: 'listbox', 'aria-label': 'Images' });
    this.message = h('p', { class: 'an-wrong', role: 'status' });
    this.element = dialog('Open an image', this.input, this.message, this.list);
    this.input.addEventListener('input', () => {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.#search(), PATIENCE_MS);
    });
    this.input.addEventListener('keydown', (event) => this.#key(event));
  }

  open() {
    this.input.value = '';
    this.searched = '';
    this.#draw([], '');
    this.element.showModal();
    this.input.focus();
  }

  async #search() {
    const text = this.input.value.trim();
    if (!text) {
      this.searched = '';
      this.#draw([], '');
      return;
    }
    const reply = await this.server.call('find_images', { text });
    if (text !== this.input.value.trim()) return; // typed on; a newer question is on its way
    this.searched = text;
    if (reply.ok) this.#draw(reply.images, 'No image has this number or this text in its name.');
    else this.#draw([], reply.message ?? 'The server does not answer; type again in a moment.');
  }

  /** @param {FoundImage[]} images @param {string} message where there are none */
  #draw(images, message) {
    this.found = images;
    this.at = 0;
    this.list.replaceChildren(...images.map(({ id, number, name }, place) => h('div', {
      class: 'an-choice', role: 'option', id: `an-choice-${place}`, onclick: () => this.#pick(id),
    }, h('img', { src: imageUrl(256, id), alt: '', loading: 'lazy' }), h('b', { text: number }), h('span', { text: name, dir: 'auto' }), h('small', {}))));
    this.message.textContent = images.length ? '' : message;
    this.#mark();
    this.#showStandings();
  }

  async #showStandings() {
    const { found } = this;
    await this.marks.ask(found.map(({ id }) => id));
    if (found !== this.found) return; // typed on
    [...this.list.children].forEach((choice, place) => {
      const mark = this.marks.of(found[place].id);
      const text = choice.lastElementChild;
      if (!mark || !(text instanceof HTMLElement)) return;
      showMark(text, mark);
      text.textContent = describeMark(mark);
    });
  }

  #mark() {
    [...this.list.children].forEach((choice, place) => choice.setAttribute('aria-selected', String(place === this.at)));
    this.input.setAttribute('aria-activedescendant', this.found.length ? `an-choice-${this.at}` : '');
    this.list.children[this.at]?.scrollIntoView({ block: 'nearest' });
  }

  /** @param {KeyboardEvent} event */
  async #key(event) {
    if (!this.element.open) return;
    const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
    if (step && this.found.length) {
      event.preventDefault();
      this.at = (this.at + step + this.found.length) % this.found.length;
      this.#mark();
    }
    if (event.key !== 'Enter') return;
    event.preventDefault();
    if (this.searched !== this.input.value.trim()) await this.#search();
    if (this.found.length) this.#pick(this.found[this.at].id);
  }

  /** @param {number} id */
  #pick(id) {
    this.element.close();
    this.onPick(id);
  }
}
