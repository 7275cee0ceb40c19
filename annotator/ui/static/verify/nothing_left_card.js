// What is said in place of images: why there are none, and what brings most now.

import { button, h } from '../shared/dom.js';
import { nothingLeft } from './texts.js';

/** @import { Mode } from '../shared/wire.d.ts' */
/** @import { CategoryOrder } from './category_order.js' */
/** @import { ImagePage } from './image_page.js' */

/** @param {ImagePage} page @param {CategoryOrder} order @param {(category: number, mode?: Mode) => unknown} start */
export function nothingLeftCard(page, order, start) {
  const { category } = page.about;
  const { title, text, other } = nothingLeft(page, order.of(category), order.nameOf(category));
  const better = order.neighbour(category, 1, ({ suggested, uncertain }) => Boolean(suggested || uncertain)) ?? order.neighbour(category, 1, ({ open }) => Boolean(open));
  const actions = [];
  if (better !== null) actions.push(button(`Next category: ${order.nameOf(better)}`, '⏎', () => start(better), 'primary'));
  if (other) actions.push(button(other.label, `⇧${other.place + 1}`, () => start(category, other.mode)));
  if (better === null && !other) actions.push(h('a', { class: 'an-btn primary', href: 'progress', text: 'See the progress' }));
  return h('section', { class: 'an-card', 'aria-label': title }, h('h2', { text: title }), h('p', { text }), h('div', { class: 'an-bar vf-next' }, ...actions));
}
