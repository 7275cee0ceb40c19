// Why a category is suggested: where in the picture, because of what, and what it looks like.

import { h } from '../shared/dom.js';

const KEPT = 200; // answers remembered
const FRESH_MS = 5000; // from then on a remembered answer is shown at once and asked for again
const AGAIN_MS = 1000; // while the labels are being counted
const SIDE = 720; // longer side of the drawn map, pixels
const STRONGEST = 0.62; // opacity of the colour at the peak
const CONTRAST = 1.5; // above 1, what speaks a little for it is coloured less
const LEAST = 255 * STRONGEST * 0.5 ** CONTRAST; // the outline runs at half of the peak
const LINE = [255, 255, 255, 220];
const AWAY = 'The server does not answer; it is asked again when another row is chosen.';

// `element` is a panel beside the picture; it takes no focus and no keys. `overlay` goes into the box
// that the picture fills and that moves and grows with it, right after it.
export class Evidence {
  #wanted = null;
  #asking = false;
  #shown = ''; // the answer that is drawn, so that it is drawn once only
  #answers = new Map(); // image:category:version -> {answer, at}

  constructor(server, { picture, onClose = () => {} }) {
    Object.assign(this, { server, picture, open: false });
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

  // `image` is an item of the album, or anything with id, version, width and height.
  show({ image, category }) {
    const { version = image.data?.version ?? null } = image;
    const key = `${image.id}:${category.id}:${version}`;
    this.open = true;
    this.element.hidden = false;
    if (this.#wanted?.key !== key) {
      this.#wanted = { key, category, id: image.id, size: image.data ?? image };
      this.#begin(category);
    }
    const kept = this.#answers.get(key);
    if (kept) this.#draw(kept.answer);
    if (!kept || Date.now() - kept.at > FRESH_MS) this.#ask();
  }

  hide() {
    Object.assign(this, { open: false });
    this.#wanted = null;
    this.element.hidden = true;
    this.overlay.hidden = true;
  }

  // ---- asking: one question on its way at a time, and after it the newest one

  async #ask() {
    if (this.#asking) return;
    this.#asking = true;
    let asked = null;
    while (this.#wanted && this.#wanted.key !== asked?.key) {
      asked = this.#wanted;
      const said = await this.server.call('evidence', { image: asked.id, category: asked.category.id });
      if (said.ok && !said.pending) this.#keep(asked.key, said);
      if (this.#wanted?.key !== asked.key) continue;
      if (said.ok) this.#draw(said); else this.#fail(said.message ?? AWAY);
      if (said.pending) setTimeout(() => this.#wanted?.key === asked.key && this.#ask(), AGAIN_MS);
    }
    this.#asking = false;
  }

  #keep(key, answer) {
    this.#answers.delete(key);
    this.#answers.set(key, { answer, at: Date.now() });
    if (this.#answers.size > KEPT) this.#answers.delete(this.#answers.keys().next().value);
  }

  // ---- drawing

  #begin(category) {
    this.#shown = '';
    this.title.replaceChildren('Why ', h('bdi', { text: category.name }), '?');
    this.element.setAttribute('aria-label', `Why ${category.name}?`);
    this.element.setAttribute('aria-busy', 'true');
    this.overlay.hidden = true;
  }

  #fail(text) {
    this.#shown = '';
    this.element.removeAttribute('aria-busy');
    this.where.textContent = text;
    this.reasons.replaceChildren();
    this.alike.replaceChildren();
  }

  #draw(answer) {
    const { where, because, alike, unlike, similar } = answer;
    const text = JSON.stringify(answer);
    if (text === this.#shown) return;
    this.#shown = text;
    this.element.removeAttribute('aria-busy');
    this.where.textContent = where.text;
    this.#drawMap(where);
    const lines = because.reasons.map((one) => reason(one));
    this.reasons.replaceChildren(h('h4', { text: 'Because' }),
      ...(lines.length ? [h('ul', { class: 'ev-reasons' }, ...lines)] : []),
      ...[because.moved, because.moved ? '' : because.text, because.near].filter(Boolean).map((text) => h('p', { text })));
    this.alike.replaceChildren(h('h4', { text: 'Looks like' }),
      ...(similar ? [h('p', { text: similar })] : []),
      h('div', { class: 'ev-shots' }, this.#shots(alike, 'present'), this.#shots(unlike, 'absent')));
  }

  #shots(listed, state) {
    const words = state === 'present' ? 'marked present' : 'marked absent';
    const shots = listed.map(({ id, name }) => h('img', {
      src: this.picture(256, id), alt: `${name}, ${words}`, title: `${name}, ${words}`, draggable: 'false',
    }));
    const caption = h('figcaption', { text: state === 'present' ? 'has it' : 'most alike without it' });
    return h('figure', { class: `ev-row ${state}`, hidden: !listed.length }, h('div', {}, ...shots), caption);
  }

  // The network sees the whole picture pressed into a square, so the map is stretched back over all
  // of it; `object-fit` lays the canvas where it lays a picture of the same proportions.
  #drawMap({ rows, columns, values }) {
    this.overlay.hidden = !values;
    if (!values) return;
    const { width, height } = this.#wanted.size;
    const scale = SIDE / Math.max(width, height);
    this.overlay.width = Math.max(1, Math.round(width * scale));
    this.overlay.height = Math.max(1, Math.round(height * scale));
    const context = this.overlay.getContext('2d');
    const colour = getComputedStyle(this.element).getPropertyValue('--ev-map').split(',').map(Number);
    context.imageSmoothingQuality = 'high';
    context.drawImage(coloured(rows, columns, values, colour), 0, 0, this.overlay.width, this.overlay.height);
    outline(context);
  }
}

function reason({ text, near, for: speaksFor, share, base }) {
  const meaning = speaksFor ? 'speaks for it' : 'speaks against it';
  const sign = h('span', { class: 'ev-sign', role: 'img', 'aria-label': meaning, title: meaning, text: speaksFor ? '▲' : '▼' });
  const bar = h('span', { class: 'ev-bar', 'aria-hidden': 'true' }, h('i'), h('b'));
  bar.firstChild.style.width = `${100 * share}%`;
  bar.lastChild.style.left = `${100 * base}%`;
  const words = h('span', {}, text, ...(near ? [' ', h('small', { text: near })] : []), bar);
  return h('li', { class: speaksFor ? 'for' : 'against' }, sign, words);
}

function coloured(rows, columns, values, [red, green, blue]) {
  const small = h('canvas', { width: columns, height: rows });
  const context = small.getContext('2d');
  const pixels = context.createImageData(columns, rows);
  values.forEach((value, place) => pixels.data.set([red, green, blue, 255 * STRONGEST * value ** CONTRAST], 4 * place));
  context.putImageData(pixels, 0, 0);
  return small;
}

// A light line around what speaks most, so that it is seen on dark and on coloured pictures, too.
function outline(context) {
  const { width, height } = context.canvas;
  const picture = context.getImageData(0, 0, width, height);
  const { data } = picture;
  const inside = new Uint8Array(width * height);
  for (let place = 0; place < inside.length; place += 1) inside[place] = data[4 * place + 3] >= LEAST;
  for (let place = width; place < inside.length; place += 1) {
    const onEdge = place % width && (inside[place] !== inside[place - 1] || inside[place] !== inside[place - width]);
    if (onEdge) data.set(LINE, 4 * place);
  }
  context.putImageData(picture, 0, 0);
}
