// Why a category is suggested: where in the image, because of what, and what it looks like.

import { h, imageUrl } from '../shared/dom.js';

/** @import { Category, Evidence as EvidenceReply, EvidenceMap, EvidenceReason } from '../shared/wire.d.ts' */
/** @import { Server } from '../shared/server.js' */
/** @import { Item } from './item.js' */

const KEPT = 200; // replies remembered
const FRESH_MS = 5000; // from then on a remembered reply is shown at once and asked for again
const AGAIN_MS = 1000; // while the labels are being counted
const SIDE = 720; // longer side of the drawn map, pixels
const STRONGEST = 0.62; // opacity of the colour at the peak
const CONTRAST = 1.5; // above 1, what speaks a little for it is coloured less
const LEAST = 255 * STRONGEST * 0.5 ** CONTRAST; // the outline runs at half of the peak
const LINE = [255, 255, 255, 220];
const AWAY = 'The server does not answer; it is asked again when another row is chosen.';

// `element` is a panel beside the image; it takes no focus and no keys. `overlay` goes into the box
// that the image fills and that moves and grows with it, right after it.
export class Evidence {
  /** @type {{ key: string, category: Category, item: Item } | null} */
  #wanted = null;

  #asking = false;

  #shown = ''; // the reply that is drawn, so that it is drawn once only

  /** @type {Map<string, { reply: EvidenceReply, at: number }>} */
  #replies = new Map(); // by image:category:version

  /** @param {Server} server @param {{ onClose: () => void }} listeners */
  constructor(server, { onClose }) {
    this.server = server;
    this.isOpen = false;
    this.overlay = h('canvas', { class: 'ev-map', 'aria-hidden': 'true', hidden: true });
    this.title = h('h3', { class: 'ev-title' });
    this.where = h('p', { class: 'ev-where', 'aria-live': 'polite' });
    this.reasons = h('div', { class: 'ev-part', role: 'group', 'aria-label': 'Because', 'aria-live': 'polite' });
    this.alike = h('div', { class: 'ev-part', role: 'group', 'aria-label': 'Looks like' });
    const close = h('button', {
      class: 'ev-close', type: 'button', title: 'Close (E or Esc)', 'aria-label': 'Close', text: '×',
      onclick: () => { this.hide(); onClose(); },
    });
    this.element = h('section', { class: 'ev-panel', 'aria-label': 'Why', hidden: true },
      h('div', { class: 'ev-head' }, this.title, this.where, close),
      h('div', { class: 'ev-parts' }, this.reasons, this.alike));
  }

  /** @param {Item} item @param {Category} category */
  show(item, category) {
    const key = `${item.id}:${category.id}:${item.version}`;
    this.isOpen = true;
    this.element.hidden = false;
    if (this.#wanted?.key !== key) {
      this.#wanted = { key, category, item };
      this.#begin(category);
    }
    const kept = this.#replies.get(key);
    if (kept) this.#draw(kept.reply);
    if (!kept || Date.now() - kept.at > FRESH_MS) this.#ask();
  }

  hide() {
    this.isOpen = false;
    this.#wanted = null;
    this.element.hidden = true;
    this.overlay.hidden = true;
  }

  // ---- asking: one request on its way at a time, and after it the newest one

  async #ask() {
    if (this.#asking) return;
    this.#asking = true;
    let asked = null;
    while (this.#wanted && this.#wanted.key !== asked?.key) {
      asked = this.#wanted;
      const reply = await this.server.call('evidence', { image: asked.item.id, category: asked.category.id });
      if (reply.ok && !reply.pending) this.#keep(asked.key, reply);
      if (this.#wanted?.key !== asked.key) continue;
      if (reply.ok) this.#draw(reply); else this.#fail(reply.message ?? AWAY);
      if (reply.ok && reply.pending) this.#askAgain(asked.key);
    }
    this.#asking = false;
  }

  /** @param {string} key */
  #askAgain(key) { setTimeout(() => this.#wanted?.key === key && this.#ask(), AGAIN_MS); }

  /** @param {string} key @param {EvidenceReply} reply */
  #keep(key, reply) {
    this.#replies.delete(key);
    this.#replies.set(key, { reply, at: Date.now() });
    for (const oldest of this.#replies.keys()) {
      if (this.#replies.size <= KEPT) break;
      this.#replies.delete(oldest);
    }
  }

  // ---- drawing

  /** @param {Category} category */
  #begin(category) {
    this.#shown = '';
    this.title.replaceChildren('Why ', h('bdi', { text: category.name }), '?');
    this.element.setAttribute('aria-label', `Why ${category.name}?`);
    this.element.setAttribute('aria-busy', 'true');
    this.overlay.hidden = true;
  }

  /** @param {string} text */
  #fail(text) {
    this.#shown = '';
    this.element.removeAttribute('aria-busy');
    this.where.textContent = text;
    this.reasons.replaceChildren();
    this.alike.replaceChildren();
  }

  /** @param {EvidenceReply} reply */
  #draw(reply) {
    const { where, explanation, alike, unlike, similar, predictors } = reply;
    const text = JSON.stringify(reply);
    if (text === this.#shown) return;
    this.#shown = text;
    this.element.removeAttribute('aria-busy');
    this.where.textContent = where.text;
    this.#drawMap(where);
    const reasons = explanation.reasons.map(reasonLine);
    const remarks = [explanation.moved, explanation.moved ? '' : explanation.text, explanation.near ?? '', ...predictors].filter(Boolean);
    this.reasons.replaceChildren(h('h4', { text: 'Because' }),
      ...(reasons.length ? [h('ul', { class: 'ev-reasons' }, ...reasons)] : []),
      ...remarks.map((remark) => h('p', { text: remark })));
    this.alike.replaceChildren(h('h4', { text: 'Looks like' }),
      ...(similar ? [h('p', { text: similar })] : []),
      h('div', { class: 'ev-shots' }, this.#thumbnails(alike, 'present'), this.#thumbnails(unlike, 'absent')));
  }

  /** @param {{ id: number, name: string }[]} images @param {'present' | 'absent'} state */
  #thumbnails(images, state) {
    const shown = images.map(({ id, name }) => h('img', {
      src: imageUrl(256, id), alt: `${name}, marked ${state}`, title: `${name}, marked ${state}`, draggable: 'false',
    }));
    const caption = h('figcaption', { text: state === 'present' ? 'has it' : 'most similar without it' });
    return h('figure', { class: `ev-row ${state}`, hidden: !images.length }, h('div', {}, ...shown), caption);
  }

  // The network sees the whole image pressed into a square, so the map is stretched back over all
  // of it; `object-fit` lays the canvas where it lays an image of the same proportions.
  /** @param {EvidenceMap} map */
  #drawMap({ rows, columns, values }) {
    const context = this.overlay.getContext('2d');
    this.overlay.hidden = !values;
    if (!values || !rows || !columns || !this.#wanted || !context) return;
    const { width, height } = this.#wanted.item.data;
    const scale = SIDE / Math.max(width, height);
    this.overlay.width = Math.max(1, Math.round(width * scale));
    this.overlay.height = Math.max(1, Math.round(height * scale));
    const colour = getComputedStyle(this.element).getPropertyValue('--ev-map').split(',').map(Number);
    context.imageSmoothingQuality = 'high';
    context.drawImage(coloured(rows, columns, values, colour), 0, 0, this.overlay.width, this.overlay.height);
    outline(context);
  }
}

/** @param {EvidenceReason} reason */
function reasonLine({ text, near, for: speaksFor, share, base }) {
  const meaning = speaksFor ? 'speaks for it' : 'speaks against it';
  const sign = h('span', { class: 'ev-sign', role: 'img', 'aria-label': meaning, title: meaning, text: speaksFor ? '▲' : '▼' });
  const bar = h('span', { class: 'ev-bar', 'aria-hidden': 'true' },
    h('i', { style: `width: ${100 * share}%` }), h('b', { style: `left: ${100 * base}%` }));
  const words = h('span', {}, text, ...(near ? [' ', h('small', { text: near })] : []), bar);
  return h('li', { class: speaksFor ? 'for' : 'against' }, sign, words);
}

/** @param {number} rows @param {number} columns @param {number[]} values @param {number[]} colour */
function coloured(rows, columns, values, [red, green, blue]) {
  const small = h('canvas', { width: columns, height: rows });
  const context = small.getContext('2d');
  if (!context) return small;
  const pixels = context.createImageData(columns, rows);
  values.forEach((value, place) => pixels.data.set([red, green, blue, 255 * STRONGEST * value ** CONTRAST], 4 * place));
  context.putImageData(pixels, 0, 0);
  return small;
}

// A light line around what speaks most, so that it is seen on dark and on coloured images, too.
/** @param {CanvasRenderingContext2D} context */
function outline(context) {
  const { width, height } = context.canvas;
  const pixels = context.getImageData(0, 0, width, height);
  const { data } = pixels;
  const inside = new Uint8Array(width * height);
  for (let place = 0; place < inside.length; place += 1) inside[place] = Number(data[4 * place + 3] >= LEAST);
  for (let place = width; place < inside.length; place += 1) {
    const onEdge = place % width && (inside[place] !== inside[place - 1] || inside[place] !== inside[place - width]);
    if (onEdge) data.set(LINE, 4 * place);
  }
  context.putImageData(pixels, 0, 0);
}
