// The neighbours of the image on the screen, to look back and ahead, and how far each of them is.

import { keepAsking } from '../shared/awaited_image.js';
import { h, imageUrl } from '../shared/dom.js';
import { describeMark, showMark } from '../shared/image_mark.js';

/** @import { Album } from './album.js' */
/** @import { ImageMarks } from './image_marks.js' */
/** @import { Item } from './item.js' */

const LENGTH = 11;

export class ThumbnailStrip {
  /** @param {ImageMarks} marks @param {(place: number) => void} onPick */
  constructor(marks, onPick) {
    this.marks = marks;
    this.onPick = onPick;
    /** @type {Map<number, Item>} */
    this.items = new Map();
    this.element = h('div', { class: 'an-strip', role: 'group', 'aria-label': 'Neighbouring images' });
    this.slots = Array.from({ length: LENGTH }, () => this.#slot());
    this.element.append(...this.slots.map(({ button }) => button));
  }

  #slot() {
    const image = h('img', { alt: '', loading: 'lazy' });
    keepAsking(image);
    const star = h('span', { class: 'an-star', 'aria-hidden': 'true', text: '★', hidden: true });
    const button = h('button', { type: 'button', hidden: true }, image, star);
    button.addEventListener('click', () => {
      this.onPick(Number(button.dataset.place));
      button.blur();
    });
    return { button, image, star, name: '' };
  }

  /** @param {Album} album */
  draw({ ids: images, at, isBetween, items }) {
    const first = Math.max(0, Math.min(at - 4, images.length - LENGTH));
    this.slots.forEach((slot, offset) => {
      const { button, image } = slot;
      const place = first + offset;
      const id = images[place];
      button.hidden = id === undefined;
      if (id === undefined) return;
      if (button.dataset.id !== String(id)) image.src = imageUrl(256, id);
      Object.assign(button.dataset, { id, place });
      const isCurrent = place === at && !isBetween;
      const distance = place - at - (isBetween && place <= at ? 1 : 0);
      button.classList.toggle('current', isCurrent);
      slot.name = isCurrent ? 'this image' : `image ${distance > 0 ? '+' : ''}${distance}`;
    });
    this.mark(items);
    this.#askForOthers();
  }

  /** @param {Map<number, Item>} items */
  mark(items) {
    this.items = items;
    for (const { button, star, name } of this.slots) {
      if (button.hidden) continue;
      const id = Number(button.dataset.id);
      const item = items.get(id);
      const mark = this.marks.of(id, item);
      showMark(button, mark);
      const notes = [item?.flags.length ? 'flagged' : '', item?.bookmarked ? 'bookmarked' : ''].filter(Boolean);
      const said = [name, ...(mark ? [describeMark(mark)] : []), ...notes].join(', ');
      if (button.title !== said) {
        button.title = said;
        button.setAttribute('aria-label', said);
      }
      button.classList.toggle('flagged', Boolean(item?.flags.length));
      star.hidden = !item?.bookmarked;
    }
  }

  // Those that are not here: passed before the page was loaded, or further ahead than was fetched.
  async #askForOthers() {
    const ids = this.slots.filter(({ button }) => !button.hidden).map(({ button }) => Number(button.dataset.id));
    if (await this.marks.ask(ids)) this.mark(this.items);
  }
}
