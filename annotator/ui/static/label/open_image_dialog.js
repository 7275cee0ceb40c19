// Opening any image by its number or a part of its file name.

import { dialog, h, picture } from '../shared/dom.js';

const PATIENCE_MS = 120; // between the last letter and the question

export class Going {
  constructor(server, { onPick }) {
    Object.assign(this, { server, onPick, found: [], at: 0 });
    this.input = h('input', {
      class: 'an-find', type: 'text', role: 'combobox', 'aria-expanded': 'true', 'aria-controls': 'an-found-images',
      'aria-label': 'Number or part of the file name', placeholder: 'Number or part of the file name', autocomplete: 'off', dir: 'auto',
    });
    this.list = h('div', { class: 'an-images', id: 'an-found-images', role: 'listbox', 'aria-label': 'Images' });
    this.said = h('p', { class: 'an-wrong', role: 'status' });
    this.element = dialog('Open an image', this.input, this.said, this.list);
    this.input.addEventListener('input', () => {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.#look(), PATIENCE_MS);
    });
    this.input.addEventListener('keydown', (event) => this.#key(event));
  }

  open() {
    this.input.value = '';
    this.answered = '';
    this.#draw([], '');
    this.element.showModal();
    this.input.focus();
  }

  async #look() {
    const text = this.input.value.trim();
    const said = text ? await this.server.call('find_images', { text }) : { ok: true, images: [] };
    if (text !== this.input.value.trim()) return; // typed on; a newer question is on its way
    this.answered = text;
    const nothing = text ? 'No image has this number or this in its name.' : '';
    this.#draw(said.images ?? [], said.ok ? nothing : said.message ?? 'The server does not answer; type again in a moment.');
  }

  #draw(images, nothing) {
    Object.assign(this, { found: images, at: 0 });
    this.list.replaceChildren(...images.map(({ id, number, name }, place) => h('div', {
      class: 'an-choice', role: 'option', id: `an-choice-${place}`, onclick: () => this.#pick(id),
    }, h('img', { src: picture(256, id), alt: '', loading: 'lazy' }), h('b', { text: number }), h('span', { text: name, dir: 'auto' }))));
    this.said.textContent = images.length ? '' : nothing;
    this.#mark();
  }

  #mark() {
    [...this.list.children].forEach((choice, place) => choice.setAttribute('aria-selected', String(place === this.at)));
    this.input.setAttribute('aria-activedescendant', this.found.length ? `an-choice-${this.at}` : '');
    this.list.children[this.at]?.scrollIntoView({ block: 'nearest' });
  }

  async #key(event) {
    if (!this.element.open) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && this.found.length) {
      event.preventDefault();
      this.at = (this.at + step + this.found.length) % this.found.length;
      this.#mark();
    }
    if (event.key !== 'Enter') return;
    event.preventDefault();
    if (this.answered !== this.input.value.trim()) await this.#look();
    if (this.found.length) this.#pick(this.found[this.at].id);
  }

  #pick(id) {
    this.element.close();
    this.onPick(id);
  }
}
