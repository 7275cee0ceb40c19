// The neighbours of the image on the screen, to look back and ahead.

import { h, picture } from '../shared/dom.js';

const LENGTH = 11;

export class Strip {
  constructor(onPick) {
    this.onPick = onPick;
    this.element = h('div', { class: 'an-strip', role: 'group', 'aria-label': 'Neighbouring images' });
    for (let slot = 0; slot < LENGTH; slot += 1) this.element.append(this.#slot());
  }

  #slot() {
    const slot = h('button', { type: 'button' }, h('img', { alt: '', loading: 'lazy' }));
    slot.addEventListener('click', () => {
      this.onPick(Number(slot.dataset.place));
      slot.blur();
    });
    return slot;
  }

  draw(images, at, items) {
    const first = Math.max(0, Math.min(at - 4, images.length - LENGTH));
    [...this.element.children].forEach((slot, offset) => {
      const place = first + offset;
      const id = images[place];
      slot.hidden = id === undefined;
      if (id === undefined) return;
      if (slot.dataset.id !== String(id)) slot.firstChild.src = picture(256, id);
      Object.assign(slot.dataset, { id, place });
      slot.classList.toggle('current', place === at);
      slot.setAttribute('aria-label', place === at ? 'this image' : `image ${place - at > 0 ? '+' : ''}${place - at}`);
    });
    this.mark(items);
  }

  mark(items) {
    for (const slot of this.element.children) {
      const item = items.get(Number(slot.dataset.id));
      slot.classList.toggle('answered', Boolean(item?.labels.size));
      slot.classList.toggle('flagged', Boolean(item?.flags.length));
    }
  }
}
