// The images that a list is sorted by likeness to: small, at the top, each a way to it.

import { formatNumber, h, imageUrl } from '../shared/dom.js';
import { comparedIn } from '../shared/similar_images.js';

const SHOWN = 5;
const COUNTED = 100_000;

// What an order by likeness is called; empty for other orders.
/** @param {string} sort */
export function likenessText(sort) {
  const { length } = comparedIn(sort, COUNTED);
  if (!length) return '';
  return `${sort.startsWith('-') ? 'least' : 'most'} similar to ${length === 1 ? `image ${comparedIn(sort, 1)[0]}` : `${formatNumber(length)} images`}`;
}

export class Compared {
  constructor() {
    this.element = h('span', { class: 'im-compared', role: 'group', hidden: true });
    this.sort = '';
  }

  /** @param {string} sort */
  show(sort) {
    if (sort === this.sort) return;
    this.sort = sort;
    const ids = comparedIn(sort, SHOWN);
    const text = likenessText(sort);
    this.element.hidden = !ids.length;
    this.element.setAttribute('aria-label', text);
    this.element.replaceChildren(h('span', { text }), ...ids.map((id) => h('a', { href: `./#${id}`, title: `Open image ${id} on the Label page` },
      h('img', { src: imageUrl(256, id), alt: `image ${id}`, decoding: 'async' }))));
  }
}
