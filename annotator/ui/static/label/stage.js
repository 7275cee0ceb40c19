// The image, and what is said over it: a problem, a banner, flags, a passing notice.

import { keepAsking, showSmall, turnTo } from '../shared/awaited_image.js';
import { h, imageUrl, setText } from '../shared/dom.js';
import { keyOr } from '../shared/key_or_button.js';
import { Zoom } from '../shared/zoom.js';

/** @import { Flag } from '../shared/wire.d.ts' */
/** @import { Item } from './item.js' */

const skipIt = () => keyOr('Skip it with P.', 'Skip it.');

export class Stage {
  /**
   * @param {{ onBanner: () => void, onFlag: () => void, onBroken: (reason: string) => void, onDrawn: () => void }} listeners
   *   `onBroken`: the image on the screen cannot be shown; `onDrawn`: it can be seen now
   */
  constructor({ onBanner, onFlag, onBroken, onDrawn }) {
    this.onBroken = onBroken;
    this.onDrawn = onDrawn;
    this.isDrawn = false; // the image on the screen can be seen, if only a small copy of it
    /** @type {number | null} */
    this.id = null;
    /** @type {number | null} */
    this.version = null; // that the banner announces
    this.image = h('img', { class: 'an-image', alt: '', draggable: 'false', hidden: true });
    this.view = h('div', { class: 'an-view' }, this.image);
    this.place = h('span', { class: 'an-place' });
    this.late = h('span', { class: 'an-late', role: 'status' }); // why the small copy is still there
    this.problem = h('div', { class: 'an-problem', role: 'status', hidden: true });
    this.banner = h('button', { class: 'an-banner', type: 'button', hidden: true, onclick: onBanner });
    this.flag = h('button', { class: 'an-flag', type: 'button', hidden: true, onclick: () => { onFlag(); this.flag.blur(); } });
    this.contradictions = h('div', { class: 'an-clash', role: 'status', hidden: true });
    this.typed = h('div', { class: 'an-typed', role: 'status', hidden: true });
    this.element = h('div', { class: 'an-stage' }, this.view, this.problem, this.flag, this.contradictions, this.banner, this.typed);
    this.zoom = new Zoom(this.element, this.view, { onCloser: () => this.#load(2560) });
    this.image.addEventListener('load', () => this.#drawnLarge());
    keepAsking(this.image, { onMissing: (reason) => this.#miss(reason), onWait: (isAway) => this.#wait(isAway) });
  }

  /** @param {Item} item */
  show({ id, data }) {
    this.id = id;
    this.isDrawn = false;
    this.element.classList.remove('empty');
    this.zoom.reset(data);
    setText(this.late, '');
    this.image.alt = data.name;
    this.image.hidden = false;
    this.problem.hidden = true;
    if (data.problem) {
      this.image.removeAttribute('src');
      this.#fail(`${data.problem} ${skipIt()}`);
      return;
    }
    turnTo(this.image, imageUrl(1280, id));
    if (this.image.complete && this.image.naturalWidth) this.#drawnLarge(); // it was loaded ahead
    else this.#showSmall(id);
  }

  // There is no image, for this reason.
  /** @param {string} text */
  clear(text) {
    this.id = null;
    this.isDrawn = false;
    setText(this.late, '');
    this.image.removeAttribute('src');
    this.image.alt = '';
    this.element.classList.add('empty');
    this.showFlags([]);
    this.showContradictions('');
    this.#fail(text);
  }

  #drawn() {
    if (this.isDrawn || this.id === null) return;
    this.isDrawn = true;
    this.image.hidden = false;
    this.problem.hidden = true;
    this.#nameImage();
    this.onDrawn();
  }

  #drawnLarge() {
    setText(this.late, '');
    this.#drawn();
  }

  // The image can be seen, or it is said why not.
  #nameImage() { Object.assign(this.place, { textContent: this.image.alt, title: this.image.alt }); }

  // A small copy, until the large one is there.
  /** @param {number} id */
  #showSmall(id) {
    const small = new Image();
    small.src = imageUrl(256, id);
    small.decode().then(() => {
      if (this.id !== id || this.isDrawn) return;
      showSmall(this.image, small.src);
      this.#drawn();
    }, () => {}); // the large one is asked for again
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

  // It comes by itself when the server answers again; a small copy stays.
  /** @param {boolean} isAway */
  #wait(isAway) {
    if (this.isDrawn) setText(this.late, `${isAway ? 'offline, ' : ''}the large image comes later`);
    else this.#fail('The image cannot be loaded right now; it comes by itself as soon as it can be.');
  }

  /** @param {string} reason */
  #miss(reason) {
    if (this.id === null) return;
    this.isDrawn = false;
    this.#fail(`${reason} ${skipIt()}`);
    this.onBroken(reason);
  }

  /** @param {string} text */
  #fail(text) {
    this.image.hidden = true;
    this.problem.textContent = text;
    this.problem.hidden = false;
    this.#nameImage();
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
