// One answer to many images: planned by the server, asked first where it is about more than what is
// seen, saved in parts of bounded size, and taken back as one.

import { button, dialog, formatNumber, h, randomId } from '../shared/dom.js';
import { takesBack } from '../shared/key_or_button.js';
import { counted, doneText, planText } from './texts.js';

/** @import { BulkPlan, Source } from '../shared/wire.d.ts' */
/** @import { Done, Job, SaveQueue } from '../shared/save_queue.js' */
/** @import { Server } from '../shared/server.js' */
/** @import { OwnStep, UndoGuard } from '../shared/undo_guard.js' */
/** @import { BulkState } from './texts.js' */

/** @typedef {OwnStep & { ops: string[], left: number }} Step `op`: the last of its parts; `left`: those that are not saved yet */
/** @typedef {{ category: number, name: string, state: BulkState, ids: number[], byHand: Set<number>, isSeen: (id: number) => boolean }} Wish */
/** @typedef {{ notify: (text: string) => void, tell: (text: string) => void, show: (ids: number[], state: BulkState) => void, changed: () => void }} View */

const PART = 1000; // images of one operation

export class BulkAnswers {
  /** @type {Step[]} */
  done = [];

  /** @type {Step[]} */
  undone = [];

  /** @type {Map<string, () => void>} */
  waiting = new Map(); // what goes on once an operation is saved

  isBusy = false;

  /** @type {((isYes: boolean) => void) | null} */
  answer = null;

  openedAt = 0;

  /** @param {{ server: Server, queue: SaveQueue, guard: UndoGuard, me: string }} parts @param {View} view */
  constructor({ server, queue, guard, me }, view) {
    this.guard = guard;
    this.server = server;
    this.queue = queue;
    this.me = me;
    this.view = view;
    this.title = h('b', {});
    this.text = h('p', {});
    this.yes = button('Mark them', '⏎', () => this.#close(true), 'primary');
    this.element = dialog('Answer many images', h('p', {}, this.title), this.text,
      h('div', { class: 'an-bar' }, this.yes, button('Cancel', 'Esc', () => this.#close(false))));
    this.element.addEventListener('keydown', (event) => {
      const isEarly = event.repeat || performance.now() - this.openedAt < guard.delay;
      if (event.key === 'Enter' && isEarly) event.preventDefault(); // it was meant for the page below
    });
    this.element.addEventListener('close', () => { this.answer?.(false); this.answer = null; });
    addEventListener('beforeunload', (event) => { if (this.isBusy) event.preventDefault(); });
  }

  /** @param {boolean} isYes */
  #close(isYes) {
    this.answer?.(isYes);
    this.answer = null;
    this.element.close();
  }

  /** @param {BulkPlan} plan @param {Wish} wish @returns {Promise<boolean>} */
  #ask(plan, { name, state }) {
    const { title, text } = planText(plan, name, state);
    this.title.textContent = title;
    this.text.textContent = text;
    this.yes.say(state === 'cleared' ? `Remove ${formatNumber(plan.images.length)}` : `Mark ${formatNumber(plan.images.length)} ${state}`);
    this.openedAt = performance.now();
    this.element.showModal();
    this.yes.focus();
    return new Promise((resolve) => { this.answer = resolve; });
  }

  // True if anything was answered.
  /** @param {Wish} wish */
  async give(wish) {
    const { view } = this;
    if (this.isBusy) view.notify('The answer before is still being saved.');
    if (this.isBusy) return false;
    const plan = await this.server.call('bulk_plan', { category: wish.category, state: wish.state, ids: wish.ids });
    if (!plan.ok) view.notify(plan.message ?? 'The server does not answer; nothing was changed.');
    else if (!plan.images.length) view.notify(wish.state === 'cleared' ? 'You have no answer here to remove.' : `That changes nothing: ${wish.name} is ${wish.state} there already.`);
    if (!plan.ok || !plan.images.length) return false;
    const isAsked = plan.disputed > 0 || !plan.images.every(wish.isSeen);
    if (isAsked && !await this.#ask(plan, wish)) return false;
    await this.#save(plan, wish);
    return true;
  }

  // One part after the other, so that this browser never holds more than one that is not saved.
  /** @param {BulkPlan} plan @param {Wish} wish */
  async #save({ images, seen }, wish) {
    const { view } = this;
    const text = doneText(wish.state, wish.name, images.length);
    /** @type {Step} */
    const step = { op: '', at: Date.now(), ops: [], text, left: Math.ceil(images.length / PART) };
    this.done.push(step);
    this.undone = [];
    this.isBusy = true;
    const began = performance.now();
    const whole = images.length > PART ? randomId() : null; // any page takes its parts back together
    for (let first = 0; first < images.length && step.left; first += PART) {
      const part = images.slice(first, first + PART);
      const op = randomId();
      step.ops.push(op);
      Object.assign(step, { op, at: Date.now() });
      this.guard.did(op);
      view.show(part, wish.state);
      const saved = new Promise((resolve) => { this.waiting.set(op, () => resolve(undefined)); });
      this.queue.push('save', {
        as: this.me, op, step: whole, kind: 'page', at: new Date().toISOString(), ms: Math.round(performance.now() - began), version: null,
        changes: part.map((image) => ({ image, category: wish.category, state: wish.state, source: sourceOf(wish, image), seen: seen[image] ?? null })),
      });
      if (images.length > PART) view.notify(`Saving ${formatNumber(first)} of ${counted(images.length, 'image')} …`);
      await saved;
      step.left -= 1;
    }
    this.isBusy = false;
    step.at = Date.now();
    view.notify(`${text}. ${takesBack()}`);
    view.changed();
  }

  undo() { return this.#takeBack('undo', this.done, this.undone); }

  redo() { return this.#takeBack('redo', this.undone, this.done); }

  // All parts of a step, the last one first.
  /** @param {'undo' | 'redo'} call @param {Step[]} from @param {Step[]} to */
  async #takeBack(call, from, to) {
    if (this.isBusy) {
      this.view.notify('The answer is still being saved; press the key again once it is.');
      return;
    }
    const chosen = await this.guard.choose(call, from.at(-1));
    if (!chosen) return;
    const step = from.at(-1)?.op === chosen.op ? from.pop() : undefined;
    if (step) {
      const ops = step.ops.toReversed();
      to.push({ ...step, ops, op: ops[ops.length - 1], at: Date.now() });
      for (const target of ops) this.queue.push(call, { as: this.me, op: randomId() }, { target });
    } else {
      this.queue.push(call, { as: this.me, op: randomId() }, { meant: chosen.op });
      this.guard.sendRest(call, chosen);
    }
    this.view.notify(`${call === 'undo' ? 'Undone' : 'Redone'}: ${chosen.text}.`);
  }

  /** @param {Job} job @param {Done} result */
  confirmed(job, result) {
    this.#goOn(job);
    const { view } = this;
    if (result.late?.length) view.tell(`Others were faster on ${counted(result.late.length, 'image')}; their answers stand, yours are kept beside them.`);
    if (result.left_out?.length) view.tell(`${counted(result.left_out.length, 'image')} could not be answered: ${result.left_out[0][1]}`);
    if ((job.call === 'undo' || job.call === 'redo') && result.nothing && !job.adopted) {
      this.done = []; // another step is newer by now, which is asked about
      this.undone = [];
      this[job.call]();
    }
    view.changed();
  }

  /** @param {Job} job @param {string} message */
  refused(job, message) {
    this.#goOn(job);
    this.view.tell(message);
    this.view.changed();
  }

  /** @param {Job} job */
  #goOn({ data: { op } }) {
    this.waiting.get(op)?.();
    this.waiting.delete(op);
  }
}

// What was picked one by one was looked at; the rest was selected together.
/** @param {Wish} wish @param {number} image @returns {Source} */
function sourceOf({ state, byHand, ids }, image) {
  if (state === 'cleared' || byHand.has(image) || ids.length === 1) return 'human';
  return state === 'present' ? 'accepted_in_bulk' : 'swept';
}
