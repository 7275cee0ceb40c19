// Drawing a hundred thousand points: straight into the pixels of a canvas, in one pass a frame.

import { coloursOf, isDark } from './map_colours.js';

/** @import { Place } from './map_points.js' */
/** @import { Colour, Subject } from './map_colours.js' */
/** @import { MapPoints } from './map_points.js' */

const CLOSEST = 200;
const MARGIN = 0.04; // of a side, around the whole map
const SMALLEST = 1e-3; // of a side of what is shown: a single point has none
const FAINT = 60; // of 255: what the filter leaves out
const LINE = '#f59e0b';

export class MapCanvas {
  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    this.canvas = canvas;
    this.context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d'));
    this.size = { x: 1, y: 1 };
    this.centre = { x: 0.5, y: 0.5 };
    this.zoom = 1;
    this.middle = this.centre;
    /** @type {ImageData | null} */
    this.pixels = null;
  }

  // Show all that lies in a box, as large as the canvas is.
  /** @param {{ low: Place, high: Place }} box */
  fitTo({ low, high }) {
    this.size = { x: Math.max(high.x - low.x, SMALLEST), y: Math.max(high.y - low.y, SMALLEST) };
    this.centre = { x: (low.x + high.x) / 2, y: (low.y + high.y) / 2 };
    this.showAll();
  }

  // Pixels of the page that the length 1 takes; one scale for both axes.
  get scale() {
    const { canvas: { clientWidth, clientHeight }, size } = this;
    return Math.min(clientWidth / size.x, clientHeight / size.y) * (1 - 2 * MARGIN) * this.zoom;
  }

  // How far it is on the map from one place to another some pixels away.
  /** @param {number} pixels */
  reach(pixels) { return { x: pixels / this.scale, y: pixels / this.scale }; }

  // The place on the map below a point of the canvas, and the other way round.
  /** @param {number} left @param {number} top @returns {Place} */
  placeAt(left, top) {
    const { canvas: { clientWidth, clientHeight }, middle, scale } = this;
    return { x: middle.x + (left - clientWidth / 2) / scale, y: middle.y + (top - clientHeight / 2) / scale };
  }

  /** @param {Place} place */
  pointOf({ x, y }) {
    const { canvas: { clientWidth, clientHeight }, middle, scale } = this;
    return { left: clientWidth / 2 + (x - middle.x) * scale, top: clientHeight / 2 + (y - middle.y) * scale };
  }

  /** @param {number} right @param {number} down in pixels of the page */
  pan(right, down) {
    const clamp = (/** @type {number} */ value) => Math.max(0, Math.min(1, value));
    this.middle = { x: clamp(this.middle.x + right / this.scale), y: clamp(this.middle.y + down / this.scale) };
  }

  // What is below a point stays there.
  /** @param {number} factor @param {number} left @param {number} top */
  zoomAt(factor, left, top) {
    const before = this.placeAt(left, top);
    this.zoom = Math.max(1, Math.min(CLOSEST, this.zoom * factor));
    const after = this.placeAt(left, top);
    this.pan((before.x - after.x) * this.scale, (before.y - after.y) * this.scale);
  }

  showAll() {
    this.zoom = 1;
    this.middle = this.centre;
  }

  /**
   * @param {MapPoints} points
   * @param {{ subject: Subject, listed: Set<number> | null, selected: Set<number>, lines: Place[][] }} shown
   *   `listed`: the ids that the filter finds, null for all; `lines`: what is being chosen with
   */
  draw(points, shown) {
    const { canvas, context } = this;
    const ratio = devicePixelRatio || 1;
    const [width, height] = [Math.round(canvas.clientWidth * ratio), Math.round(canvas.clientHeight * ratio)];
    if (!width || !height) return;
    if (canvas.width !== width || canvas.height !== height || !this.pixels) {
      Object.assign(canvas, { width, height });
      this.pixels = context.createImageData(width, height);
    }
    const pixels = new Uint32Array(this.pixels.data.buffer);
    pixels.fill(0);
    this.#drawPoints(points, shown, pixels, { width, height, ratio });
    context.putImageData(this.pixels, 0, 0);
    this.#drawLines(shown.lines, ratio);
  }

  /**
   * @param {MapPoints} points @param {{ subject: Subject, listed: Set<number> | null, selected: Set<number> }} shown
   * @param {Uint32Array} pixels @param {{ width: number, height: number, ratio: number }} size
   */
  #drawPoints(points, { subject, listed, selected }, pixels, { width, height, ratio }) {
    const colours = coloursOf(subject);
    const [plain, faint] = [255, FAINT].map((alpha) => Uint32Array.from(colours, (colour) => packed(colour, alpha)));
    const chosen = packed(isDark() ? [255, 255, 255] : [0, 0, 0], 255);
    const side = Math.max(2, Math.round((points.length > 20_000 ? 2 : 5) * ratio * this.zoom ** 0.25));
    const { left, top } = this.pointOf({ x: 0, y: 0 });
    const scale = this.scale * ratio;
    const last = colours.length - 1;
    const drawOne = (/** @type {number} */ at, /** @type {number} */ colour, /** @type {number} */ size) => {
      const x = Math.round(left * ratio + points.x(at) * scale - size / 2);
      const y = Math.round(top * ratio + points.y(at) * scale - size / 2);
      if (x < 0 || y < 0 || x + size > width || y + size > height) return;
      for (let row = y * width + x, end = row + size * width; row < end; row += width) {
        for (let column = row; column < row + size; column += 1) pixels[column] = colour; // faster than fill() for a few
      }
    };
    for (const isIn of listed ? [false, true] : [true]) { // what the filter finds lies above the rest
      for (let at = 0; at < points.length; at += 1) {
        if (listed && listed.has(points.ids[at]) !== isIn) continue;
        drawOne(at, (isIn ? plain : faint)[Math.min(points.codes[at], last)], side);
      }
    }
    if (!selected.size) return;
    for (let at = 0; at < points.length; at += 1) {
      if (!selected.has(points.ids[at])) continue;
      drawOne(at, chosen, side + Math.round(3 * ratio));
      drawOne(at, plain[Math.min(points.codes[at], last)], side);
    }
  }

  /** @param {Place[][]} lines @param {number} ratio */
  #drawLines(lines, ratio) {
    const { context } = this;
    context.lineWidth = 2 * ratio;
    context.strokeStyle = LINE;
    context.setLineDash([6 * ratio, 4 * ratio]);
    for (const line of lines) {
      context.beginPath();
      for (const place of line) {
        const { left, top } = this.pointOf(place);
        context.lineTo(left * ratio, top * ratio);
      }
      context.closePath();
      context.stroke();
    }
  }
}

// A pixel as it lies in memory, lowest byte first.
/** @param {Colour} colour @param {number} alpha */
const packed = ([red, green, blue], alpha) => ((alpha << 24) | (blue << 16) | (green << 8) | red) >>> 0;
