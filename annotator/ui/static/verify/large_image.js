// One image of the grid, large: for as long as a key is held, or until it is closed.

import { keepAsking, showSmall, turnTo } from '../shared/awaited_image.js';
import { h, imageUrl } from '../shared/dom.js';
import { ImageTools } from '../shared/image_tools.js';
import { Zoom } from '../shared/zoom.js';

/** @import { Server } from '../shared/server.js' */
/** @import { GridItem } from '../shared/wire.d.ts' */

export class LargeImage {
  /** @param {HTMLElement} root @param {Server} server */
  constructor(root, server) {
    this.image = h('img', { class: 'an-image', alt: '', draggable: 'false' });
    this.view = h('div', { class: 'an-view' }, this.image);
    this.stage = h('div', { class: 'an-stage' }, this.view);
    this.caption = h('div', { class: 'vf-caption' });
    this.element = h('div', { class: 'vf-large', role: 'region', 'aria-label': 'Large image', hidden: true }, this.stage, this.caption);
    this.zoom = new Zoom(this.stage, this.view, { onCloser: () => this.#load(2560) });
    keepAsking(this.image);
    this.isPinned = false; // stays until it is closed
    /** @type {GridItem | null} */
    this.item = null;
    this.tools = new ImageTools(root, server, {
      image: () => this.item?.id ?? null, onSize: () => this.zoom.refit(), keys: { adjust: 'c', fullScreen: 'v' },
    });
    this.tools.mount(this.stage);
  }

  get isOpen() { return !this.element.hidden; }

  // Without `pin` it is a peek, which lets the pointer through.
  /** @param {GridItem} item @param {{ pin?: boolean }} [how] */
  show(item, { pin = false } = {}) {
    this.isPinned ||= pin;
    this.element.classList.toggle('peek', !this.isPinned);
    this.element.hidden = false;
    if (this.item === item) return;
    this.item = item;
    this.zoom.reset(item);
    turnTo(this.image, imageUrl(1280, item.id));
    if (!this.image.complete) showSmall(this.image, imageUrl(256, item.id));
    this.image.alt = item.name;
  }

  // Both open the image for it, if none is.
  /** @param {GridItem | null} item */
  toggleFullScreen(item) { this.#pinned(item)?.screen.toggle(); }

  /** @param {GridItem | null} item */
  toggleAdjustment(item) { this.#pinned(item)?.adjustment.toggle(); }

  /** @param {GridItem | null} item */
  #pinned(item) {
    if (!this.isPinned && item) {
      this.show(item, { pin: true });
      this.setCaption(item.name);
    }
    return this.isPinned ? this.tools : null;
  }

  /** @param {string} text */
  setCaption(text) { this.caption.textContent = text; }

  // More pixels of the same image take its place when they are there.
  /** @param {number} width */
  #load(width) {
    const { item } = this;
    if (!item) return;
    const larger = new Image();
    larger.src = imageUrl(width, item.id);
    larger.decode().then(() => { if (this.item === item) this.image.src = larger.src; }, () => {}); // the smaller one stays
  }

  close() {
    this.tools.adjustment.close();
    this.tools.screen.leave();
    this.element.hidden = true;
    this.isPinned = false;
    this.item = null;
  }
}
