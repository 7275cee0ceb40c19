// Which step an undo or a redo is about. What this page did in the last minute is taken back at once;
// any other step is named and asked about first, so that nothing changes out of sight.

import { button, dialog, h, randomId } from './dom.js';
import { pause } from './server.js';
import { agoText, saidBy, stepText } from './step_text.js';

/** @import { Step } from './wire.d.ts' */
/** @import { SaveQueue } from './save_queue.js' */
/** @import { Server } from './server.js' */

/** @typedef {'undo' | 'redo'} Call */
/** @typedef {{ op: string, at: number, text: string }} OwnStep of this page: when it was done, or taken back, and what it says */
/** @typedef {{ op: string, text: string, parts?: string[] }} Chosen `parts`: all its operations, `op` first; none are named where it is the only one */

const FRESH_MS = 60000;
const REMEMBERED = 50; // steps that are known to be of this page after a reload
const WORDS = {
  undo: { verb: 'Undo', done: 'Done', failed: 'undone' },
  redo: { verb: 'Redo', done: 'Taken back', failed: 'redone' },
};

export class UndoGuard {
  /**
   * @param {{ server: Server, queue: SaveQueue, page: string, names: Map<number, string>, delay: number }} parts
   *   `names`: of the categories; `delay`: milliseconds in which the question takes no Enter
   * @param {{ notify: (text: string) => void }} view
   */
  constructor({ server, queue, page, names, delay }, { notify }) {
    this.server = server;
    this.queue = queue;
    this.names = names;
    this.delay = delay;
    this.notify = notify;
    this.key = `annotator-steps:${queue.project}:${page}`;
    this.isAsking = false;
    this.openedAt = 0;
    this.resolve = (/** @type {boolean} */ _isWanted) => {};
    this.what = h('p', { dir: 'auto' });
    this.confirm = button('Undo', '⏎', () => this.#close(true), 'primary');
    this.element = dialog('Take back?', this.what, h('div', { class: 'an-bar' }, this.confirm, button('Cancel', 'Esc', () => this.#close(false))));
    for (const end of ['cancel', 'close']) this.element.addEventListener(end, () => this.resolve(false));
    this.element.addEventListener('keydown', (event) => {
      const isEarly = event.repeat || performance.now() - this.openedAt < this.delay;
      if (event.key === 'Enter' && isEarly) event.preventDefault(); // it was meant for the page below
    });
  }

  // This page did it.
  /** @param {string} op */
  did(op) {
    try {
      sessionStorage.setItem(this.key, JSON.stringify([...this.#ops, op].slice(-REMEMBERED)));
    } catch {
      // It is asked about after a reload.
    }
  }

  get #ops() {
    try {
      /** @type {string[]} */
      const ops = JSON.parse(sessionStorage.getItem(this.key) ?? '[]');
      return ops;
    } catch {
      return [];
    }
  }

  // The step to name, null if there is none or it is not wanted. `own`: what this page would take back.
  /** @param {Call} call @param {OwnStep | undefined} own @returns {Promise<Chosen | null>} */
  async choose(call, own) {
    if (this.isAsking) return null;
    if (own && Date.now() - own.at < FRESH_MS) return own;
    this.isAsking = true;
    try {
      return await this.#chooseOther(call);
    } finally {
      this.isAsking = false;
    }
  }

  /** @param {Call} call @returns {Promise<Chosen | null>} */
  async #chooseOther(call) {
    const step = (call === 'undo' && this.#unsaved()) || await this.#last(call);
    if (!step) return null;
    const text = stepText(step);
    const isOfPage = this.#ops.includes(step.op);
    const isFresh = isOfPage && step.seconds * 1000 < FRESH_MS;
    if (!isFresh && !await this.#ask(call, step, isOfPage)) return null;
    for (const op of new Set([step.op, ...step.parts.slice(-1)])) this.did(op); // known here by now, to undo and to redo
    return { op: step.op, text, parts: step.parts };
  }

  // Of a step in parts the page itself sends the first.
  /** @param {Call} call @param {Chosen} chosen */
  sendRest(call, { parts = [] }) {
    for (const meant of parts.slice(1)) this.queue.push(call, { as: this.queue.annotator, op: randomId() }, { meant });
  }

  // The newest of this browser that the server does not have.
  #unsaved() {
    const { newestUnsaved: job, pending, fails } = this.queue;
    if (!job || (job.data.step && pending && !fails)) return null; // the server knows the other parts
    const { op, at } = job.data;
    return { op, parts: [op], seconds: (Date.now() - Date.parse(at ?? '')) / 1000, ...saidBy(job.data, job.name ?? '', this.names) };
  }

  /** @param {Call} call */
  async #last(call) {
    while (this.queue.pending && !this.queue.fails) await pause(20); // what is on its way comes first
    const got = await this.server.call('last_step', { call });
    if (!got.ok) this.notify(`${got.message ?? 'The server does not answer.'} What you did before cannot be ${WORDS[call].failed} now; try again in a moment.`);
    else if (!got.step) this.notify(`There is nothing to ${call}.`);
    return got.ok ? got.step : null;
  }

  /** @param {Call} call @param {Pick<Step, 'seconds'> & import('./step_text.js').Said} step @param {boolean} isOfPage */
  #ask(call, step, isOfPage) {
    const { verb, done } = WORDS[call];
    const title = `${verb} ${stepText(step)}?`;
    const where = isOfPage ? 'on this page' : 'on another page or in another tab';
    /** @type {HTMLElement} */ (this.element.firstElementChild).textContent = title;
    this.element.setAttribute('aria-label', title);
    this.what.textContent = `${done} ${agoText(step.seconds)}${call === 'undo' || isOfPage ? `, ${where}` : ''}.`;
    this.confirm.say(verb);
    this.openedAt = performance.now();
    this.element.showModal();
    this.confirm.focus();
    return new Promise((resolve) => { this.resolve = resolve; });
  }

  /** @param {boolean} isWanted */
  #close(isWanted) {
    this.resolve(isWanted);
    this.element.close();
  }
}
