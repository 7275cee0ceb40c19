// What the Label page is about: the image on the screen, the way through the images, what was
// answered, and what the server says to that. All of it changes through these methods only; the page
// draws what it reads here.

import { randomId } from '../shared/dom.js';
import { keyOr, takesBack } from '../shared/key_or_button.js';
import { lateText } from '../shared/late_answers.js';
import { saidBy, stepText } from '../shared/step_text.js';
import { answersOf, wordsOf } from './completion.js';
import { Visit } from './visit.js';

/** @import { Flag, State } from '../shared/wire.d.ts' */
/** @import { Done, Job, SaveQueue } from '../shared/save_queue.js' */
/** @import { Server } from '../shared/server.js' */
/** @import { OwnStep, UndoGuard } from '../shared/undo_guard.js' */
/** @import { Album } from './album.js' */
/** @import { Completion } from './completion.js' */
/** @import { Answer, Before, Item } from './item.js' */

/** @typedef {OwnStep & { image: number, before: Before[] }} Step an operation of this tab, for undo and redo */
/**
 * @typedef {object} View what the page does when something has changed
 * @property {() => void} showImage another image is on the screen
 * @property {() => void} draw something about it has changed
 * @property {() => void} drawNeighbours more is known of the images around it
 * @property {(text: string) => void} fail there is no image, for this reason
 * @property {(text: string, again: () => unknown) => Promise<unknown>} retry the same, and it is tried again
 * @property {() => boolean} isDrawn the image can be seen
 * @property {() => boolean} takesCommit it has been seen long enough for keys that save many answers at once
 * @property {(text: string) => void} notify what came of the last key
 * @property {(text: string) => void} tell what has happened besides
 * @property {(text: string) => void} say for screen readers
 * @property {() => Promise<unknown> | null} interlude between two images; the next one waits for what this returns
 * @property {() => void} end every image has been visited
 */

const UNDOABLE = 100; // operations that undo shows at once; of older ones the server says what they were
const AWAY = 'The server does not answer; the image comes when it does.';

export class LabelState {
  /** @type {Item | null} */
  #item = null;

  /** @type {Step[]} */
  #done = [];

  /** @type {Step[]} */
  #undone = [];

  #answeredAt = performance.now();

  #visit;

  #isInterlude = false;

  #turns = 0; // how often another image was gone to

  /**
   * @param {{ server: Server, queue: SaveQueue, guard: UndoGuard, album: Album, me: string, names: Map<number, string> }} parts
   *   `names`: of the categories
   * @param {View} view
   */
  constructor({ server, queue, guard, album, me, names }, view) {
    this.server = server;
    this.queue = queue;
    this.guard = guard;
    this.album = album;
    this.me = me;
    this.names = names;
    this.view = view;
    this.#visit = new Visit(queue, me);
  }

  // The image on the screen, null if there is none.
  get item() { return this.#item; }

  /** @param {number} category */
  nameOf(category) { return this.names.get(category) ?? 'a category'; }

  // Operations that are remembered, for undo and redo.
  get remembered() { return this.#done.length + this.#undone.length; }

  // ---- the way through the images

  // The place to start at, null if there is no image to show.
  /** @param {number} wanted @param {number | null} last image that the annotator had */
  firstPlace(wanted, last) { return this.album.open(wanted, last); }

  /** @returns {Promise<void>} */
  async next() {
    const { album, view } = this;
    if (this.#isInterlude) return;
    this.leave();
    await this.#interlude();
    const answered = album.at + 1 < album.ids.length || await album.more();
    if (album.at + 1 < album.ids.length) await (album.endsAt(album.at + 1) ? view.end() : this.goTo(album.at + 1));
    else view.notify(answered ? 'There is no further image just now.' : 'The server does not answer; the next image has to wait.');
  }

  async #interlude() {
    const interlude = this.view.interlude();
    if (!interlude) return;
    this.#isInterlude = true;
    try {
      await interlude;
    } finally {
      this.#isInterlude = false;
    }
  }

  previous() { return this.goTo(this.album.at - 1); }

  // As Back and Forward of the browser do. False if there is no image so far away.
  /** @param {number} by */
  step(by) {
    const place = this.album.at + by;
    const isThere = place >= 0 && place < this.album.ids.length;
    if (isThere) this.goTo(place);
    return isThere;
  }

  // Nothing about this image is recorded, and it comes back some images later.
  async skip() {
    if (this.#item && !this.#item.data.problem) {
      this.album.skip(this.#item.id);
      this.#visit.cancel();
      this.view.notify('Skipped; this image comes back later.');
    }
    await this.next();
  }

  /** @param {number} image */
  openImage(image) { return this.goTo(this.album.insertNext(image)); }

  // True if every image has been visited: then the way through them begins after this place.
  /** @param {number} place */
  endsHere(place) {
    this.album.turnTo(place);
    return this.album.endsAt(Infinity);
  }

  // To a place in the order of the images.
  /** @param {number} place @returns {Promise<void>} */
  async goTo(place) {
    const { album, view } = this;
    if (place < 0) view.notify('This is the first image of this session.');
    if (place < 0 || place >= album.ids.length) return;
    this.leave();
    album.turnTo(place);
    this.#turns += 1;
    const turn = this.#turns;
    const item = await album.item(album.id);
    if (turn !== this.#turns) return; // somebody pressed on in the meantime
    this.#item = item ?? null;
    if (item === null) await view.retry(AWAY, () => turn === this.#turns && !this.#item && this.goTo(place));
    else if (!item) this.#tellGone(place);
    else await this.#show();
  }

  // An address that is wrong or old. The image is no place to come back to.
  /** @param {number} place */
  #tellGone(place) {
    const [id] = this.album.remove(place);
    this.view.fail(`There is no image ${id} in this project. Press ${keyOr('→', 'Next')} to go on, or ${keyOr('O', 'Open')} to open another one.`);
    this.view.drawNeighbours();
  }

  async #show() {
    const { album, view } = this;
    this.#visit.begin();
    this.#answeredAt = performance.now();
    album.forgetFarAway();
    view.showImage();
    album.remember();
    await album.lookAhead();
    view.drawNeighbours();
  }

  leave() { this.#visit.end(this.#item, this.view.isDrawn()); }

  /** @param {number[]} categories that are drawn now */
  see(categories) { this.#visit.see(categories); }

  // ---- answering

  // The same again takes the answer back.
  /** @param {number} id of a category @param {State} state @param {'answer' | 'named'} [kind] named: it was found by its name */
  toggle(id, state, kind) { this.answer(id, this.#item?.state(id) === state ? 'cleared' : state, kind); }

  /** @param {number} id @param {State} state @param {'answer' | 'named'} [kind] */
  answer(id, state, kind = 'answer') {
    const item = this.#answerable();
    if (!item || (state === 'cleared' && item.isOpen(id)) || item.state(id) === state) return;
    this.#commit(item, kind, [{ id, state, source: item.source(id, state) }]);
    const words = state === 'unsure' ? 'cannot tell' : state === 'cleared' ? 'unknown' : state;
    this.view.say(`${this.nameOf(id)} ${words}`);
  }

  /** @param {number[]} visible */
  acceptAll(visible) {
    const item = this.#committable();
    if (!item) return;
    const ids = visible.filter((id) => item.isSuggested(id)); // nobody accepts what they cannot see
    if (ids.length) this.#commit(item, 'accept_all', ids.map((id) => ({ id, state: 'present', source: 'accepted_in_bulk' })));
    this.view.notify(ids.length ? `${ids.length} accepted. ${takesBack()}` : 'No suggestion is in view.');
  }

  // Answers the rest of the image and goes on: one step, so that one undo takes it back.
  /** @param {(item: Item) => Completion} complete */
  async finish(complete) {
    if (this.#item && !this.#item.data.problem) {
      const item = this.#committable();
      if (!item) return;
      const completion = complete(item);
      const answers = answersOf(completion);
      if (answers.length) {
        this.#commit(item, completion.present.length ? 'accept_all' : 'sweep', answers);
        this.view.notify(`${wordsOf(completion)}. ${takesBack()}`);
      }
    }
    await this.next();
  }

  // The rest of `listed` is absent; what is suggested stays open unless nothing else is left.
  /** @param {number[]} listed @param {string} [group] the name of what is listed, if not everything */
  sweep(listed, group) {
    const item = this.#committable();
    if (!item) return;
    const ids = item.restOf(listed);
    const suggested = listed.filter((id) => item.isOpen(id) && item.suggested.has(id) && !ids.includes(id)).length;
    if (ids.length) this.#commit(item, 'sweep', ids.map((id) => ({ id, state: 'absent', source: 'swept' })));
    const inGroup = group === undefined ? '' : ` in ${group || 'this group'}`;
    const stay = suggested ? `; ${suggested} suggested ${suggested === 1 ? 'stays' : 'stay'} open` : '';
    this.view.notify(ids.length ? `${ids.length} marked absent${inGroup}${stay}. ${takesBack()}` : `Nothing is left open${inGroup || ' on this image'}.`);
  }

  // Nobody answers about an image that they cannot see.
  #answerable() {
    const item = this.#item;
    if (!item) return null;
    const isReady = !item.data.problem && this.view.isDrawn();
    if (item.data.problem) this.view.notify('This image cannot be shown, so it takes no answers.');
    else if (!isReady) this.view.notify('The image is not here yet; it takes answers as soon as it can be seen.');
    return isReady ? item : null;
  }

  // The same for many answers at once.
  #committable() {
    const item = this.#answerable();
    return item && this.view.takesCommit() ? item : null;
  }

  /** @param {Item} item @param {string} kind @param {Answer[]} answers */
  #commit(item, kind, answers) {
    const { queue } = this;
    const { name } = item.data;
    const op = randomId();
    const before = item.snapshot(answers.map(({ id }) => id));
    const changes = item.apply(op, answers, queue.untargeted);
    const text = stepText(saidBy({ image: item.id, changes }, name, this.names));
    this.#done = [...this.#done, { op, at: Date.now(), text, image: item.id, before }].slice(-UNDOABLE);
    this.#undone = [];
    this.guard.did(op);
    const now = performance.now();
    queue.push('save', {
      as: this.me, op, kind, image: item.id, at: new Date().toISOString(), ms: Math.round(now - this.#answeredAt),
      version: item.version, changes,
    }, { name });
    this.#answeredAt = now;
    this.view.draw();
  }

  undo() { return this.#takeBack('undo', this.#done, this.#undone); }

  redo() { return this.#takeBack('redo', this.#undone, this.#done); }

  // Shown at once where this tab knows what is taken back; the server has the last word.
  /** @param {'undo' | 'redo'} call @param {Step[]} from @param {Step[]} to */
  async #takeBack(call, from, to) {
    const chosen = await this.guard.choose(call, from.at(-1));
    if (!chosen) return;
    const op = randomId();
    const step = from.at(-1)?.op === chosen.op ? from.pop() : undefined;
    const item = step && this.album.items.get(step.image);
    if (item) {
      to.push({ ...step, at: Date.now(), before: item.snapshot(step.before.map(([id]) => id)) });
      item.putBack(op, step.before);
    } else this.#forgetSteps(); // its image is not at hand; the server says what was taken back
    this.queue.push(call, { as: this.me, op }, item ? { target: step.op, image: step.image } : { meant: chosen.op });
    this.guard.sendRest(call, chosen);
    if (item && item !== this.#item) await this.openImage(step.image);
    this.view.draw();
    this.view.notify(`${call === 'undo' ? 'Undone' : 'Redone'}: ${chosen.text}.`);
  }

  // The server still knows them, so undo goes on working.
  #forgetSteps() {
    this.#done = [];
    this.#undone = [];
    this.#answeredAt = performance.now();
  }

  // ---- what the server says

  // True if the version is another than before.
  /** @param {number} version */
  useVersion(version) {
    const isFirst = this.album.version === null;
    const isNew = this.album.use(version);
    if (isNew && isFirst) this.useOrder();
    else if (isNew) this.album.lookAhead();
    return isNew;
  }

  // The images that nobody has looked at here come in the order that the server has by now.
  async useOrder() {
    await this.album.reorder();
    this.view.drawNeighbours();
  }

  // Take the newest version's opinion of the image on the screen.
  async refresh() {
    const item = this.#item;
    if (!item) return;
    if (item.version === this.album.version) {
      this.view.notify('This image shows the newest version already.');
      return;
    }
    const got = await this.server.call('items', { ids: [item.id] });
    if (got.ok && got.items.length) {
      item.adoptOpinion(got.items[0]);
      this.view.draw();
    } else this.view.notify(`The server does not answer; press ${keyOr('M', 'it')} again in a moment.`);
  }

  // The image on the screen cannot be shown.
  /** @param {string} reason */
  setProblem(reason) { if (this.#item) this.#item.data.problem = reason; }

  /** @param {number} image @param {Flag[]} flags */
  setFlags(image, flags) {
    const item = this.album.items.get(image);
    if (item) item.flags = flags;
  }

  // An operation is committed: the server's labels are the truth.
  /** @param {Job} job @param {Done} result */
  async confirmed(job, result) {
    if (job.call === 'undo' || job.call === 'redo') await this.#confirmTakenBack(job, result);
    else if (job.call === 'save') {
      const item = this.album.items.get(job.data.image ?? 0);
      if (!item && job.data.image) this.album.miss(job.data.image);
      item?.acknowledge(job.data.op, result.images?.[String(job.data.image)] ?? {});
      item?.adoptScores(result.opinion);
      if (item && result.archived?.length) {
        item.forget(job.data.op);
        await this.album.fetch([item.id]); // the row goes back to what the server knows
      }
      this.album.learn(result.opinion?.rankings);
      if (result.late?.length) this.view.tell(lateText(result.late, result.images ?? {}, this.nameOf(result.late[0][1])));
      this.view.draw();
    }
  }

  // What the server did, which may be about another image than the one on the screen.
  /** @param {Job} job @param {Done} result */
  async #confirmTakenBack(job, result) {
    const { album } = this;
    const touched = Object.entries(result.images ?? {}).map(([id, labels]) => ({ id: Number(id), labels }));
    for (const { id, labels } of touched) album.items.get(id)?.acknowledge(job.data.op, labels);
    album.forget(job.data.op);
    if (job.target && result.image !== job.image) this.#forgetSteps();
    await this.#fetchAgain(touched.map(({ id }) => id));
    const isElsewhere = touched.length === 1 && result.image && result.image !== this.#item?.id;
    if (isElsewhere && result.image && !job.target && !job.adopted) await this.openImage(result.image);
    this.view.draw();
    if (result.nothing && !job.adopted) await this[job.call === 'undo' ? 'undo' : 'redo'](); // another step is newer by now, which is asked about
  }

  // Of those that this tab knows, and of the one on the screen.
  /** @param {number[]} ids */
  async #fetchAgain(ids) {
    const known = [...new Set([...ids, this.#item?.id ?? 0])].filter((id) => this.album.items.has(id));
    if (known.length) await this.album.fetch(known);
  }

  // The row goes back to what the server knows; undo still finds the answer that could not be saved.
  /** @param {Job} job @param {string} message */
  async refused(job, message) {
    if (job.call === 'visit') return;
    this.view.tell(message);
    if (job.call === 'probe_answer') return;
    this.album.forget(job.data.op);
    await this.album.fetch([...new Set([job.data.image ?? 0, this.#item?.id ?? 0])].filter(Boolean));
    this.view.draw();
  }
}
