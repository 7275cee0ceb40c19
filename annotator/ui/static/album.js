// The images of this tab in the order they are looked at, and what is known of each.

import { picture } from './dom.js';
import { Item } from './item.js';

const AHEAD = 8; // images fetched before they are needed
const BATCH = 12;

export class Album {
  constructor(server, tab) {
    Object.assign(this, { server, tab, ids: [], at: -1, items: new Map(), allVisited: false });
  }

  get id() { return this.ids[this.at]; }

  async open(first) {
    this.ids = first ? [first] : [];
    await this.more();
    return this.ids.length > 0;
  }

  // Ask for further images; those that come round again are appended once more.
  async more() {
    const given = await this.call('next_images', {
      tab: this.tab, after: this.ids.at(-1) ?? null, count: BATCH, exclude: this.ids.slice(-500),
    });
    if (!Array.isArray(given?.images)) return;
    this.allVisited = given.done;
    this.ids.push(...given.images);
    if (given.done && !given.images.length && this.ids.length > 1) this.ids.push(...new Set(this.ids));
  }

  async fetch(ids) {
    const got = await this.call('items', { ids });
    for (const data of got?.items ?? []) {
      const known = this.items.get(data.id);
      if (known) known.update(data); else this.items.set(data.id, new Item(data));
    }
  }

  async item(id) {
    if (!this.items.has(id)) await this.fetch([id]);
    return this.items.get(id);
  }

  // What comes next is here, with its picture decoded, before anybody presses a key.
  async lookAhead() {
    if (this.looking) return;
    this.looking = true;
    if (this.ids.length - this.at <= AHEAD) await this.more();
    const missing = this.ids.slice(this.at + 1, this.at + 1 + AHEAD).filter((id) => !this.items.has(id));
    if (missing.length) await this.fetch([...new Set(missing)]);
    for (const id of this.ids.slice(this.at + 1, this.at + 4)) {
      const early = new Image();
      early.src = picture(1280, id);
      early.decode?.().catch(() => {});
    }
    this.looking = false;
  }

  // Forget the opinions of an older version, except about the image on the screen.
  dropOthers() {
    for (const [id, item] of this.items) if (id !== this.id && !item.pending.size) this.items.delete(id);
  }

  insertNext(id) {
    if (!this.ids.includes(id)) this.ids.splice(this.at + 1, 0, id);
    return this.ids.lastIndexOf(id);
  }

  forget(op) { for (const item of this.items.values()) item.forget(op); }

  async call(name, data) {
    try {
      return await this.server[name](data);
    } catch {
      return null; // the server is away; the queue and the status line say so
    }
  }
}
