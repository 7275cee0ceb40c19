// Zooming and moving the image: by keys, by the wheel at the pointer, by dragging.

const STEP = 1.35;
const MOST = 16;
const PAN = 0.2; // of the stage, a key press
const ENOUGH = 1280; // longer side of the image that is loaded without zoom

export class Zoom {
  // `stage` stays, `view` moves in it; `onCloser` is called when more pixels are needed than are loaded.
  /** @param {HTMLElement} stage @param {HTMLElement} view @param {{ onCloser: () => void }} listeners */
  constructor(stage, view, { onCloser }) {
    this.stage = stage;
    this.view = view;
    this.onCloser = onCloser;
    this.width = 0;
    this.height = 0;
    this.scale = 1;
    this.x = 0;
    this.y = 0;
    this.isClose = false;
    this.reset({ width: 0, height: 0 });
    stage.addEventListener('wheel', (event) => this.#wheel(event), { passive: false });
    stage.addEventListener('pointerdown', (event) => this.#grab(event));
    stage.addEventListener('dblclick', (event) => { if (this.#isImage(event)) this.toggle(event); });
  }

  // Of the next image: its size in pixels.
  /** @param {{ width: number, height: number }} size */
  reset({ width, height }) {
    Object.assign(this, { width, height, scale: 1, x: 0, y: 0, isClose: false });
    this.#apply();
  }

  get isZoomed() { return this.scale > 1; }

  // How large the whole image is drawn, in screen pixels a pixel of the original.
  get #fit() {
    const { clientWidth, clientHeight } = this.stage;
    return this.width ? Math.min(clientWidth / this.width, clientHeight / this.height) : 1;
  }

  // Full size and back; an image smaller than the stage is doubled.
  /** @param {MouseEvent | null} [at] */
  toggle(at = null) {
    const full = 1 / (this.#fit * (globalThis.devicePixelRatio || 1));
    this.#to(this.isZoomed ? 1 : Math.min(MOST, full > 1.1 ? full : 2), at);
  }

  closer() { this.#to(this.scale * STEP); }

  farther() { this.#to(this.scale / STEP); }

  /** @param {number} right @param {number} down */
  pan(right, down) {
    this.x -= right * PAN * this.stage.clientWidth;
    this.y -= down * PAN * this.stage.clientHeight;
    this.#apply();
  }

  /** @param {number} scale @param {MouseEvent | null} [at] */
  #to(scale, at = null) {
    const { left, top, width, height } = this.stage.getBoundingClientRect();
    const px = at ? at.clientX - left : width / 2;
    const py = at ? at.clientY - top : height / 2;
    const next = Math.max(1, Math.min(MOST, scale));
    const ratio = next / this.scale;
    Object.assign(this, { scale: next, x: px - (px - this.x) * ratio, y: py - (py - this.y) * ratio });
    this.#apply();
    this.#sharpen();
  }

  // The stage has another size.
  refit() {
    this.#apply();
    this.#sharpen();
  }

  #sharpen() {
    const needed = this.#fit * this.scale * Math.max(this.width, this.height) * (globalThis.devicePixelRatio || 1);
    if (needed > ENOUGH && Math.max(this.width, this.height) > ENOUGH && !this.isClose) {
      this.isClose = true;
      this.onCloser();
    }
  }

  #apply() {
    const most = (/** @type {() => number} */ length) => (this.isZoomed ? length() * (this.scale - 1) : 0); // a length costs a layout
    this.x = Math.min(0, Math.max(-most(() => this.stage.clientWidth), this.x));
    this.y = Math.min(0, Math.max(-most(() => this.stage.clientHeight), this.y));
    this.view.style.transform = this.isZoomed ? `translate(${this.x}px, ${this.y}px) scale(${this.scale})` : '';
    this.stage.classList.toggle('zoomed', this.isZoomed);
  }

  /** @param {Event} event */
  #isImage(event) { return event.target instanceof Node && this.view.contains(event.target); }

  /** @param {WheelEvent} event */
  #wheel(event) {
    if (!this.#isImage(event) || (!event.ctrlKey && matchMedia('(max-width: 900px)').matches)) return;
    event.preventDefault();
    this.#to(this.scale * Math.exp(-Math.max(-100, Math.min(100, event.deltaY)) / 300), event);
  }

  /** @param {PointerEvent} event */
  #grab(event) {
    if (!this.isZoomed || event.button !== 0 || !this.#isImage(event)) return;
    event.preventDefault();
    const { stage } = this;
    const start = { x: this.x - event.clientX, y: this.y - event.clientY };
    stage.setPointerCapture(event.pointerId);
    const move = (/** @type {PointerEvent} */ moved) => {
      Object.assign(this, { x: start.x + moved.clientX, y: start.y + moved.clientY });
      this.#apply();
    };
    const end = () => {
      stage.removeEventListener('pointermove', move);
      stage.classList.remove('held');
    };
    stage.classList.add('held');
    stage.addEventListener('pointermove', move);
    for (const name of ['pointerup', 'pointercancel']) stage.addEventListener(name, end, { once: true });
  }
}
