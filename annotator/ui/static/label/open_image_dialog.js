// Opening any image by its number or a part of its file name, or one of this person's bookmarks.

import { dialog, h, imageUrl } from '../shared/dom.js';
import { describeMark, showMark } from '../shared/image_mark.js';

/** @import { FoundImage } from '../shared/wire.d.ts' */
/** @import { Server } from '../shared/server.js' */
/** @import { ImageMarks } from './image_marks.js' */

const PATIENCE_MS = 120; // between the last letter and the question
const BOOKMARKS = 'Your bookmarks, the last one first:';
const NO_BOOKMARK = 'You have no bookmarks yet; press B on an image to set one.';

export class OpenImageDialog {
  /** @param {Server} server @param {ImageMarks} marks @param {{ onPick: (image: number) => void }} listeners */
  constructor(server, marks, { onPick }) {
    this.server = server;
    this.marks = marks;
    this.onPick = onPick;
    /** @type {FoundImage[]} */
    this.found = [];
    this.at = 0;
    /** @type {string | null} */
    this.searched = null; // the text to which `found` belongs
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
    this.searched = null;
    this.#draw([], '');
    this.element.showModal();
    this.input.focus();
    this.#search();
  }

  async #search() {
    const text = this.input.value.trim(); // without one the bookmarks are answered
    const reply = await this.server.call('find_images', { text });
    if (text !== this.input.value.trim()) return; // typed on; a newer question is on its way
    this.searched = text;
    if (reply.ok) this.#draw(reply.images, 'No image has this number or this text in its name.', text ? null : [NO_BOOKMARK, BOOKMARKS]);
    else this.#draw([], reply.message ?? 'The server does not answer; type again in a moment.');
  }

  /**
   * @param {FoundImage[]} images
   * @param {string} message where there are none
   * @param {[string, string] | null} [notes] in its place, also where there are some
   */
  #draw(images, message, notes = null) {
    this.found = images;
    this.at = 0;
    this.list.replaceChildren(...images.map(({ id, number, name, bookmarked }, place) => h('div', {
      class: 'an-choice', role: 'option', id: `an-choice-${place}`, onclick: () => this.#pick(id),
    }, h('img', { src: imageUrl(256, id), alt: '', loading: 'lazy' }), h('b', { text: number }), h('span', { text: name, dir: 'auto' }),
    ...(bookmarked ? [h('span', { class: 'an-marked', role: 'img', 'aria-label': 'bookmarked', text: '★' })] : []), h('small', {}))));
    this.message.textContent = notes ? notes[Math.min(images.length, 1)] : images.length ? '' : message;
    this.message.className = notes ? 'an-note' : 'an-wrong';
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
