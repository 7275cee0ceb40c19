// The map of the images: each a point near those that look like it. What is chosen on it is the selection of
// the page, which the other views show and the buttons below work on.

import { store, stored } from '../shared/browser_store.js';
import { button, h, imageUrl, setText } from '../shared/dom.js';
import { MapCanvas } from './map_canvas.js';
import { legendOf, SUBJECTS } from './map_colours.js';
import { MapPointer } from './map_pointer.js';
import { MapPoints } from './map_points.js';
import { counted } from './texts.js';

/** @import { ImagesState } from './images_state.js' */
/** @import { Server } from '../shared/server.js' */
/** @import { Place } from './map_points.js' */
/** @import { Point } from './map_pointer.js' */
/** @import { Subject } from './map_colours.js' */

const NEAR = 12; // pixels from a point at which the pointer is still on it
const STEP = 60; // pixels of a key press
const CLOSER = 1.4;
const SUBJECT_KEY = 'annotator-map-subject';

export class MapView {
  /** @type {MapPoints | null} */
  points = null;

  /** @type {Subject} */
  subject = 'category';

  frame = { width: 240, height: 180 }; // of the rectangle that keys choose with, around the middle

  /** @type {Place[]} */
  lasso = [];

  hasFrame = false; // the keys are used, so the rectangle is shown

  isWaiting = false;

  asked = ''; // what the colours are about

  /** @type {Set<number> | null} */
  listed = null;

  /** @param {{ state: () => ImagesState, server: () => Server, chosen: (count: number) => void, open: (id: number) => void, say: (text: string) => void }} page */
  constructor(page) {
    this.page = page;
    const wish = SUBJECTS.find(([name]) => name === stored(SUBJECT_KEY));
    if (wish) [this.subject] = wish;
    this.canvas = h('canvas', { class: 'im-canvas', tabindex: 0, role: 'application', 'aria-label': 'Map of the images', 'aria-describedby': 'im-map-keys' });
    this.select = h('select', { class: 'im-select', name: 'colours', 'aria-label': 'Colours', onchange: () => this.#colourBy(this.select.value) }, ...SUBJECTS.map(([value, text]) => h('option', { value, text: `Coloured by ${text}` })));
    this.select.value = this.subject;
    this.lassoButton = button('Lasso', 'Shift', () => this.#toggleLasso(), 'im-lasso');
    this.lassoButton.setAttribute('aria-pressed', 'false');
    this.legend = h('span', { class: 'im-legend', role: 'group', 'aria-label': 'Colours' });
    this.note = h('p', { class: 'im-map-note', role: 'status' });
    this.hover = h('figure', { class: 'im-hover', hidden: true, 'aria-hidden': 'true' }, h('img', { alt: '' }), h('figcaption', {}));
    this.element = h('section', { class: 'im-map', hidden: true, 'aria-label': 'Map' },
      h('div', { class: 'im-map-bar' }, this.select, this.lassoButton, button('Whole map', 'Home', () => this.showAll()), this.legend),
      h('div', { class: 'im-map-box' }, this.canvas, this.hover, this.note),
      h('p', { class: 'an-spoken', id: 'im-map-keys', text: 'Arrow keys move the map, plus and minus zoom, Shift and an arrow key change the rectangle, Space selects the images in it.' }));
    this.drawing = new MapCanvas(this.canvas);
    this.pointer = new MapPointer(this.canvas, {
      isLasso: ({ shiftKey }) => shiftKey || this.isLasso, onHover: (at) => this.#hover(at), onClick: (at) => this.#click(at), onOpen: (at) => this.#open(at),
      onPan: (right, down) => { this.drawing.pan(right, down); this.draw(); }, onZoom: (factor, { left, top }) => { this.#hover(null); this.drawing.zoomAt(factor, left, top); this.draw(); },
      onLine: (line, isDone) => this.#line(line, isDone),
    });
    new ResizeObserver(() => this.draw()).observe(this.canvas);
    new MutationObserver(() => this.#showColours()).observe(document.body, { attributes: true, attributeFilter: ['class'] }); // dark or light
  }

  get isLasso() { return this.lassoButton.getAttribute('aria-pressed') === 'true'; }

  get isShown() { return !this.element.hidden; }

  #toggleLasso() { this.lassoButton.setAttribute('aria-pressed', String(!this.isLasso)); }

  // ---- what the server knows

  // The list or the answers are other ones.
  async refresh() {
    if (!this.isShown) return;
    const state = this.page.state();
    this.listed = state.ids.length === state.total ? null : new Set(state.ids);
    this.asked = '';
    await this.#load();
  }

  async #load() {
    const { category } = this.page.state().wanted;
    const wanted = `${this.subject} ${category}`;
    if (this.isWaiting || this.asked === wanted) return;
    this.isWaiting = true;
    this.asked = wanted;
    const failure = await this.#ask(category);
    this.isWaiting = false;
    setText(this.note, failure || this.#unplaced);
    this.#showColours();
    if (!failure) this.#load(); // something else may be wanted by now
  }

  // The failure as a sentence, empty if it worked.
  /** @param {number | null} category @returns {Promise<string>} */
  async #ask(category) {
    const server = this.page.server();
    const failed = (/** @type {{ message?: string }} */ { message }) => message ?? 'The server does not answer; refresh the list to try again.';
    for (let tries = 0; tries < 2; tries += 1) {
      if (!this.points) {
        const places = await server.call('map_places', {});
        if (!places.ok) return failed(places);
        this.points = new MapPoints(places);
        this.drawing.fitTo(this.points.box);
        this.without = places.without;
      }
      const colours = await server.call('map_colours', { by: this.subject, category });
      if (!colours.ok) return failed(colours);
      if (colours.of === this.points.of) {
        this.points.colour(colours.codes);
        return '';
      }
      this.points = null; // the worker has drawn another map meanwhile
    }
    return '';
  }

  get #unplaced() { return this.without ? `${counted(this.without, 'image')} not on the map yet; the trainer adds them later.` : ''; }

  /** @param {string} value */
  #colourBy(value) {
    this.subject = SUBJECTS.find(([name]) => name === value)?.[0] ?? 'category';
    store(SUBJECT_KEY, this.subject);
    this.select.blur();
    this.#load();
  }

  #showColours() {
    if (this.points) this.legend.replaceChildren(...legendOf(this.subject, this.points.codes));
    if (this.subject === 'category' && this.page.state()?.wanted.category === null) this.legend.replaceChildren('Choose a category to see where it is (K)');
    this.draw();
  }

  // ---- drawing

  draw() {
    if (!this.isShown || this.drawn) return;
    this.drawn = requestAnimationFrame(() => {
      this.drawn = 0;
      const { points, subject, listed, lasso } = this;
      if (!points) return;
      const lines = [...(lasso.length ? [lasso] : []), ...(this.hasFrame ? [this.#corners] : [])];
      this.drawing.draw(points, { subject, listed, selected: this.page.state().selected, lines });
    });
  }

  // Of the rectangle, in the middle of the view.
  get #corners() {
    const { canvas: { clientWidth, clientHeight }, frame: { width, height }, drawing } = this;
    const [left, top] = [(clientWidth - width) / 2, (clientHeight - height) / 2];
    return [[left, top], [left + width, top], [left + width, top + height], [left, top + height]].map(([x, y]) => drawing.placeAt(x, y));
  }

  showAll() {
    this.#hover(null);
    this.drawing.showAll();
    this.draw();
  }

  // ---- pointing and choosing

  /** @param {Point | null} at */
  #find(at) {
    if (!at || !this.points) return -1;
    return this.points.nearest(this.drawing.placeAt(at.left, at.top), this.drawing.reach(NEAR));
  }

  /** @param {Point | null} at */
  #hover(at) {
    const found = this.#find(at);
    const [image, caption] = this.hover.children;
    this.hover.hidden = found < 0;
    if (found < 0 || !at || !this.points || !(image instanceof HTMLImageElement)) return;
    const id = this.points.ids[found];
    const address = imageUrl(256, id);
    if (image.getAttribute('src') !== address) image.src = address;
    setText(caption, `image ${id}`);
    const { clientWidth, clientHeight } = this.canvas;
    this.hover.style.translate = `${at.left > clientWidth / 2 ? at.left - 230 : at.left + 18}px ${at.top > clientHeight / 2 ? at.top - 190 : at.top + 18}px`;
  }

  /** @param {Point} at */
  #click(at) {
    const found = this.#find(at);
    this.hasFrame = false;
    if (found >= 0 && this.points) this.page.state().toggleId(this.points.ids[found]);
    this.page.chosen(0);
  }

  /** @param {Point} at */
  #open(at) {
    const found = this.#find(at);
    if (found >= 0 && this.points) this.page.open(this.points.ids[found]);
  }

  /** @param {Point[]} line @param {boolean} isDone */
  #line(line, isDone) {
    this.lasso = isDone ? [] : line.map(({ left, top }) => this.drawing.placeAt(left, top));
    if (isDone && line.length) this.#choose(line.map(({ left, top }) => this.drawing.placeAt(left, top)));
    this.draw();
  }

  /** @param {Place[]} line */
  #choose(line) {
    const { points } = this;
    if (!points) return;
    const state = this.page.state();
    const before = state.selected.size;
    state.selectAlso(points.inside(line).map((at) => points.ids[at]));
    this.page.chosen(state.selected.size - before);
  }

  // ---- keys

  // True if the command of a key is one of the map.
  /** @param {string} command */
  do(command) {
    this.#hover(null);
    const direction = /^(extend)?(left|right|up|down)$/i.exec(command);
    const { clientWidth, clientHeight } = this.canvas;
    if (direction) this.#arrow(direction[2].toLowerCase(), Boolean(direction[1]));
    else if (command === 'larger' || command === 'smaller') this.drawing.zoomAt(command === 'larger' ? CLOSER : 1 / CLOSER, clientWidth / 2, clientHeight / 2);
    else if (command === 'first') this.drawing.showAll();
    else if (command === 'select') this.#choose(this.#corners);
    else if (command === 'open') return this.#openSelected();
    else return false;
    this.hasFrame = true;
    this.draw();
    if (command !== 'select' && this.points) this.page.say(`${counted(this.points.inside(this.#corners).length, 'image')} in the rectangle`);
    return true;
  }

  #openSelected() {
    const [id, ...more] = this.page.state().selected;
    if (id && !more.length) this.page.open(id);
    else this.page.say('Select one image to open it.');
    return true;
  }

  /** @param {string} direction @param {boolean} isSize */
  #arrow(direction, isSize) {
    const [right, down] = { left: [-1, 0], right: [1, 0], up: [0, -1], down: [0, 1] }[direction] ?? [0, 0];
    if (!isSize) this.drawing.pan(STEP * right, STEP * down);
    else {
      const { frame, canvas: { clientWidth, clientHeight } } = this;
      frame.width = Math.max(20, Math.min(clientWidth - 8, frame.width + STEP * right));
      frame.height = Math.max(20, Math.min(clientHeight - 8, frame.height - STEP * down));
    }
  }
}
