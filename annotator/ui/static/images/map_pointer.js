// The pointer on the map: dragging moves it, two fingers or the wheel zoom, a line drawn around points
// chooses them.

/** @typedef {{ left: number, top: number }} Point on the canvas, in pixels of the page */

const MOVED = 4; // pixels from which on a press is no click
const WHEEL = 0.0018;

export class MapPointer {
  /**
   * @param {HTMLElement} element
   * @param {{
   *   isLasso: (event: PointerEvent) => boolean, onPan: (right: number, down: number) => void, onZoom: (factor: number, at: Point) => void,
   *   onHover: (at: Point | null) => void, onClick: (at: Point) => void, onOpen: (at: Point) => void, onLine: (line: Point[], isDone: boolean) => void,
   * }} map
   */
  constructor(element, map) {
    this.element = element;
    this.map = map;
    /** @type {Map<number, Point>} */
    this.down = new Map();
    /** @type {Point[] | null} */
    this.line = null;
    this.moved = 0;
    element.addEventListener('pointerdown', (event) => this.#press(event));
    element.addEventListener('pointermove', (event) => this.#move(event));
    element.addEventListener('pointerup', (event) => this.#release(event, true));
    element.addEventListener('pointercancel', (event) => this.#release(event, false));
    element.addEventListener('pointerleave', () => map.onHover(null));
    element.addEventListener('dblclick', (event) => map.onOpen(this.#at(event)));
    element.addEventListener('wheel', (event) => {
      event.preventDefault();
      map.onZoom(Math.exp(-event.deltaY * WHEEL * (event.deltaMode ? 30 : 1)), this.#at(event));
    }, { passive: false });
  }

  /** @param {MouseEvent} event @returns {Point} */
  #at({ clientX, clientY }) {
    const { left, top } = this.element.getBoundingClientRect();
    return { left: clientX - left, top: clientY - top };
  }

  /** @param {PointerEvent} event */
  #press(event) {
    if (event.button) return;
    this.element.setPointerCapture(event.pointerId);
    const at = this.#at(event);
    this.down.set(event.pointerId, at);
    this.moved = this.down.size > 1 ? MOVED : 0;
    this.line = this.down.size === 1 && this.map.isLasso(event) ? [at] : null;
    if (this.down.size > 1) this.map.onLine([], false); // it was the first of two fingers
  }

  /** @param {PointerEvent} event */
  #move(event) {
    const { down, map } = this;
    const [at, before] = [this.#at(event), down.get(event.pointerId)];
    if (!before) {
      map.onHover(at);
      return;
    }
    const other = [...down].find(([id]) => id !== event.pointerId)?.[1];
    down.set(event.pointerId, at);
    this.moved += Math.hypot(at.left - before.left, at.top - before.top);
    if (other) {
      map.onZoom(far(at, other) / Math.max(1, far(before, other)), between(at, other));
      map.onPan((before.left - at.left) / 2, (before.top - at.top) / 2);
    } else if (this.line) {
      this.line.push(at);
      map.onLine(this.line, false);
    } else if (this.moved > MOVED) map.onPan(before.left - at.left, before.top - at.top);
  }

  /** @param {PointerEvent} event @param {boolean} isMeant */
  #release(event, isMeant) {
    const { down, line, map, moved } = this;
    if (!down.delete(event.pointerId)) return;
    this.line = null;
    if (isMeant && moved <= MOVED) map.onClick(this.#at(event));
    if (line) map.onLine(isMeant && moved > MOVED ? line : [], true);
  }
}

/** @param {Point} one @param {Point} other */
const far = (one, other) => Math.hypot(one.left - other.left, one.top - other.top);

/** @param {Point} one @param {Point} other */
const between = (one, other) => ({ left: (one.left + other.left) / 2, top: (one.top + other.top) / 2 });
