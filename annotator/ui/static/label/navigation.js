// The way through the images: on, back, to any of them, and what is noted when one is left.

import { randomId } from '../shared/dom.js';

export class Walk {
  // `board` shows the image that is reached.
  constructor(board, album) {
    Object.assign(this, { board, album, openedAt: null, seen: new Set(), isBetween: false });
  }

  async next() {
    const { album, board } = this;
    if (this.isBetween) return null;
    this.leave();
    const pause = board.interlude();
    if (pause) await this.#wait(pause);
    if (album.at + 1 < album.ids.length) return this.go(album.at + 1);
    const answered = await album.more();
    if (album.at + 1 < album.ids.length) return this.go(album.at + 1);
    return board.tell(answered ? 'There is no further image just now.' : 'The server does not answer; the next image has to wait.');
  }

  async #wait(pause) {
    this.isBetween = true;
    try {
      await pause;
    } finally {
      this.isBetween = false;
    }
  }

  // Later: nothing about this image is noted, and it comes back some images on.
  async skip() {
    const { board, album } = this;
    if (!board.item) return this.next();
    if (!board.item.data.problem) {
      album.skip(board.item.id);
      this.openedAt = null;
      board.tell('Skipped; this image comes back later.');
    }
    return this.next();
  }

  async go(place) {
    const { album, board } = this;
    if (place < 0) return board.tell('This is the first image of this sitting.');
    if (place >= album.ids.length) return null;
    this.leave();
    album.at = place;
    const item = await album.item(album.id);
    if (album.at !== place) return null; // somebody pressed on in the meantime
    board.item = item ?? null;
    if (item === null) return board.retry('The server does not answer; the image comes when it does.', () => album.at === place && !board.item && this.go(place));
    if (!item) return board.stage.fail('This image is not in the project any more. Skip it with Enter.');
    Object.assign(this, { openedAt: new Date(), seen: new Set() });
    board.show();
    album.remember();
    this.#tellAgain();
    await album.lookAhead();
    return board.strip.draw(album.ids, album.at, album.items);
  }

  async goTo(image) { await this.go(this.album.insertNext(image)); }

  // Once every image has been visited they come round again; that is worth a word.
  #tellAgain() {
    const { album, board } = this;
    if (album.again === null || album.at < album.again || this.toldAgain === album.again) return;
    this.toldAgain = album.again;
    board.allVisited();
  }

  // A visit notes what was drawn and left unmarked; beside a picture that cannot be seen, nothing was.
  leave() {
    const { board } = this;
    if (!board.item || !this.openedAt) return;
    board.queue.push('visit', {
      as: board.me, op: randomId(), image: board.item.id, shown: board.item.data.problem ? [] : [...this.seen],
      opened_at: this.openedAt.toISOString(), closed_at: new Date().toISOString(),
    });
    this.openedAt = null;
  }
}
