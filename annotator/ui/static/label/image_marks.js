// How far images are: read from what is here of them, asked of the server for the others.

/** @import { ImageMark } from '../shared/wire.d.ts' */
/** @import { Server } from '../shared/server.js' */
/** @import { Item } from './item.js' */

export class ImageMarks {
  /** @param {Server} server @param {() => number[]} categories the categories in use */
  constructor(server, categories) {
    this.server = server;
    this.categories = categories;
    /** @type {Map<number, ImageMark>} */
    this.known = new Map();
    this.isAsking = false;
  }

  // Undefined while nothing is known of it.
  /** @param {number} id @param {Item | undefined} [item] */
  of(id, item) {
    if (item) this.known.set(id, item.mark(this.categories()));
    return this.known.get(id);
  }

  // True if something more is known of these images now.
  /** @param {number[]} ids */
  async ask(ids) {
    const missing = ids.filter((id) => !this.known.has(id));
    if (!missing.length || this.isAsking) return false;
    this.isAsking = true;
    const reply = await this.server.call('image_marks', { ids: missing });
    this.isAsking = false;
    if (!reply.ok) return false;
    for (const mark of reply.marks) if (!this.known.has(mark.image)) this.known.set(mark.image, mark);
    return true;
  }
}
