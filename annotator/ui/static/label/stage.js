// The image, and what is said over it: a problem, a banner, flags, a passing notice.

import { h, imageUrl, setText } from '../shared/dom.js';
import { whyMissing } from '../shared/refusals.js';
import { Zoom } from '../shared/zoom.js';

/** @import { Flag } from '../shared/wire.d.ts' */
/** @import { Item } from './item.js' */

const NOTICE_MS = 6000;
const RETRY_MS = 1500;

export class Stage {
  /**
   * @param {{ onBanner: () => void, onFlag: () => void, onBroken: (reason: string) => void }} listeners
   *   `onBroken`: the image on the screen cannot be shown
   */
  constructor({ onBanner, onFlag, onBroken }) {
    this.onBroken = onBroken;
    /** @type {number | null} */
    this.id = null;
    this.tried = 0;
    /** @type {number | null} */
    this.version = null; // that the banner announces
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.timer = undefined;
    this.image = h('img', { class: 'an-image', alt: '', draggable: 'false', hidden: true });
    this.view = h('div', { class: 'an-view' }, this.image);
    this.problem = h('div', { class: 'an-problem', role: 'status', hidden: true });
    this.banner = h('button', { class: 'an-banner', type: 'button', hidden: true, onclick: onBanner });
    this.flag = h('button', { class: 'an-flag', type: 'button', hidden: true, onclick: () => { onFlag(); this.flag.blur(); } });
    this.contradictions = h('div', { class: 'an-clash', role: 'status', hidden: true });
    this.typed = h('div', { class: 'an-typed', role: 'status', hidden: true });
    this.notice = h('div', { class: 'an-notice', role: 'status', hidden: true });
    this.element = h('div', { class: 'an-stage' }, this.view, this.problem, this.flag, this.contradictions, this.banner, this.typed, this.notice);
    this.zoom = new Zoom(this.element, this.view, { onCloser: () => this.#load(2560) });
    this.image.addEventListener('error', () => this.#retry());
  }

  /** @param {Item} item */
  show({ id, data }) {
    this.id = id;
    this.tried = 0;
    this.zoom.reset(data);
    this.image.style.backgroundImage = `url("${imageUrl(256, id)}")`; // at once, until the large one is there
    this.image.src = imageUrl(1280, id);
    this.image.alt = data.name;
    this.image.hidden = false;
    this.problem.hidden = true;
    if (data.problem) this.fail(`${data.problem} Skip it with P.`);
  }

  // More pixels of the same image take its place when they are there.
  /** @param {number} width */
  #load(width) {
    const { id } = this;
    if (id === null) return;
    const larger = new Image();
    larger.src = imageUrl(width, id);
    larger.decode().then(() => { if (this.id === id) this.image.src = larger.src; }, () => {}); // the smaller one stays
  }

  // The server says why there is no image; one that is away for a moment is asked again.
  async #retry() {
    const { id, image } = this;
    const { src } = image;
    if (!this.problem.hidden || !image.getAttribute('src')) return;
    this.tried += 1;
    const reason = await whyMissing(src);
    if (this.id !== id || !this.problem.hidden) return;
    if (reason || this.tried > 3) {
      this.fail(`${reason || 'This image cannot be shown.'} Skip it with P.`);
      if (reason) this.onBroken(reason);
    } else setTimeout(() => { if (image.src === src) image.src = src; }, RETRY_MS * this.tried);
  }

  /** @param {string} text */
  fail(text) {
    this.image.hidden = true;
    this.problem.textContent = text;
    this.problem.hidden = false;
  }

  /** @param {string} text */
  notify(text) {
    this.notice.textContent = text;
    this.notice.hidden = false;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => { this.notice.hidden = true; }, NOTICE_MS);
  }

  /** @param {number | null} number of a version that the image on the screen does not use yet */
  showVersion(number) {
    this.banner.hidden = number === null;
    if (number === this.version) return;
    this.version = number;
    if (number !== null) this.banner.replaceChildren(`Version ${number} is ready and is used from the next image on; press `, h('kbd', { text: 'M' }), ' to use it now');
  }

  /** @param {Flag[]} flags */
  showFlags(flags) {
    const notes = flags.map(({ by, note }) => note || `flagged by ${by}`).join(' · ');
    this.flag.hidden = !flags.length;
    this.flag.replaceChildren(h('span', { 'aria-hidden': 'true', text: '⚑' }), h('span', { text: notes, dir: 'auto' }));
    this.flag.title = flags.map(({ by, note }) => `${by}: ${note}`).join('\n');
  }

  /** @param {string} text empty: none */
  showContradictions(text) {
    setText(this.contradictions, text);
    this.contradictions.hidden = !text;
  }
}
