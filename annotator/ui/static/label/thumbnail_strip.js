// The neighbours of the image on the screen, to look back and ahead.

import { h, imageUrl } from '../shared/dom.js';

/** @import { Item } from './item.js' */

const LENGTH = 11;

export class ThumbnailStrip {
  /** @param {(place: number) => void} onPick */
  constructor(onPick) {
    this.onPick = onPick;
    this.element = h('div', { class: 'an-strip', role: 'group', 'aria-label': 'Neighbouring images' });
    this.slots = Array.from({ length: LENGTH }, () => this.#slot());
    this.element.append(...this.slots.map(({ button }) => button));
  }

  #slot() {
    const image = h('img', { alt: '', loading: 'lazy' });
    const button = h('button', { type: 'button', hidden: true }, image);
    button.addEventListener('click', () => {
      this.onPick(Number(button.dataset.place));
      button.blur();
    });
    return { button, image };
  }

  /** @param {number[]} images @param {number} at @param {Map<number, Item>} items */
  draw(images, at, items) {
    const first = Math.max(0, Math.min(at - 4, images.length - LENGTH));
    this.slots.forEach(({ button, image }, offset) => {
      const place = first + offset;
      const id = images[place];
      button.hidden = id === undefined;
      if (id === undefined) return;
      if (button.dataset.id !== String(id)) image.src = imageUrl(256, id);
      Object.assign(button.dataset, { id, place });
      button.classList.toggle('current', place === at);
      button.setAttribute('aria-label', place === at ? 'this image' : `image ${place - at > 0 ? '+' : ''}${place - at}`);
    });
    this.mark(items);
  }

  /** @param {Map<number, Item>} items */
  mark(items) {
    for (const { button } of this.slots) {
      const item = items.get(Number(button.dataset.id));
      button.classList.toggle('answered', Boolean(item?.labels.size));
      button.classList.toggle('flagged', Boolean(item?.flags.length));
    }
  }
}
