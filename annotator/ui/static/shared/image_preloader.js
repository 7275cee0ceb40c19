// Images loaded and decoded before they are shown, and kept, so that none is decoded twice.

import { imageUrl } from './dom.js';

export class ImagePreloader {
  // At most so many images of a width; the oldest go first.
  /** @param {number} width @param {number} most */
  constructor(width, most) {
    this.width = width;
    this.most = most;
    /** @type {Map<number, HTMLImageElement>} */
    this.images = new Map();
  }

  /** @param {number} id */
  load(id) {
    const known = this.images.get(id);
    this.images.delete(id);
    this.images.set(id, known ?? this.#begin(id));
    for (const oldest of this.images.keys()) {
      if (this.images.size <= this.most) break;
      this.images.delete(oldest);
    }
  }

  /** @param {number} id */
  #begin(id) {
    const image = new Image();
    image.src = imageUrl(this.width, id);
    image.decode?.().catch(() => this.images.delete(id)); // shown later with a reason
    return image;
  }
}
