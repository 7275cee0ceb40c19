// What the annotator says about the image on the screen, and taking it back.

import { randomId } from '../shared/dom.js';

export class Answering {
  constructor(board) {
    this.board = board;
    this.lose();
  }

  // Forget which operations came last; the server still knows, so undo goes on working.
  lose() { Object.assign(this, { log: [], undone: [], since: performance.now() }); }

  shown() { this.since = performance.now(); }

  // The same key again takes the answer back.
  toggle(id, state) {
    const now = this.board.item?.state(id);
    this.answer(id, now === state ? 'cleared' : state);
  }

  answer(id, state) {
    const { item, rows } = this.board;
    if (!this.#may() || (state === 'cleared' && item.isOpen(id)) || item.state(id) === state) return;
    this.#commit('answer', [{ id, state, source: item.source(id, state) }]);
    this.board.say(`${rows.byId.get(id).name} ${{ unsure: 'cannot tell', cleared: 'unknown' }[state] ?? state}`);
  }

  acceptAll() {
    const ids = this.acceptable();
    if (!this.#may()) return;
    if (!ids.length) {
      this.board.tell('No suggestion is in view.');
      return;
    }
    this.#commit('accept_all', ids.map((id) => ({ id, state: 'present', source: 'accepted_in_bulk' })));
    this.board.tell(`${ids.length} accepted. U takes it back.`);
  }

  // The rest of the image is absent, or of one group of categories; how many pairs, null if none may be.
  sweep(group = null) {
    if (!this.#may()) return null;
    const ids = this.sweepable(group);
    const where = group ? ` in ${group.name || 'this group'}` : ' on this image';
    if (!ids.length) {
      this.board.tell(`Nothing is left open${where}.`);
      return 0;
    }
    this.#commit('sweep', ids.map((id) => ({ id, state: 'absent', source: 'swept' })));
    this.board.tell(`${ids.length} marked absent${group ? where : ''}. U takes it back.`);
    return ids.length;
  }

  // Suggested, open and drawn on the screen: nobody accepts what they cannot see.
  acceptable() {
    const { item, rows } = this.board;
    if (!item) return [];
    const seen = rows.categoriesIn(this.board.drawn());
    return seen.filter((id) => item.isOpen(id) && item.suggested.has(id) && !item.ranked.has(id));
  }

  // Open and listed; a filter in use limits the list, but not that of a group.
  sweepable(group = null) {
    const { item, rows } = this.board;
    return item ? (group?.ids ?? rows.listed).filter((id) => item.isOpen(id)) : [];
  }

  undo() { return this.#backOrForth('undo', 'log', 'undone'); }

  redo() { return this.#backOrForth('redo', 'undone', 'log'); }

  #may() {
    const { item } = this.board;
    if (item?.data.problem) this.board.tell('This picture cannot be shown, so it takes no answers.');
    return Boolean(item) && !item.data.problem;
  }

  #commit(kind, changes) {
    const { board } = this;
    const { item, queue } = board;
    const op = randomId();
    this.log.push({ op, image: item.id, before: item.snapshot(changes.map((change) => change.id)) });
    this.undone = [];
    const now = performance.now();
    queue.push('save', {
      as: board.me, op, kind, image: item.id, at: new Date().toISOString(), ms: Math.round(now - this.since),
      version: item.version, changes: item.apply(op, changes, queue.blind),
    }, { name: item.data.name });
    this.since = now;
    board.draw();
  }

  // Shown at once where this tab knows what is taken back; the server has the last word.
  async #backOrForth(call, from, to) {
    const { board } = this;
    const op = randomId();
    const step = this[from].pop();
    const item = step && board.album.items.get(step.image);
    if (item) {
      this[to].push({ ...step, before: item.snapshot(step.before.map(([id]) => id)) });
      item.putBack(op, step.before);
    } else if (step) this.lose(); // its image is not at hand; the server says what was taken back
    board.queue.push(call, { as: board.me, op }, item ? { target: step.op, image: step.image } : {});
    if (item && item !== board.item) await board.goTo(step.image);
    board.draw();
  }
}
