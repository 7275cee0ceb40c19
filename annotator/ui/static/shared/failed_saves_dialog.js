// The list of answers that could not be saved: retry, download as a file, or discard after a question.

import { button, dialog, h } from './dom.js';

/** @import { Job, SaveQueue } from './save_queue.js' */
/** @import { FailedSave } from './failed_saves.js' */

export class FailedSavesDialog {
  /** @type {SaveQueue} */
  queue;

  /** @param {{ describe: (job: Job) => string }} words says what an answer says */
  constructor({ describe }) {
    this.describe = describe;
    /** @type {string | null} */
    this.asked = null; // the operation that is to be discarded, until that is confirmed
    this.list = h('ul', { class: 'an-notes an-failed' });
    this.element = dialog('Answers that could not be saved',
      h('p', { text: 'They stay in this browser, even after you close the page, until you retry or discard them.' }),
      this.list,
      h('div', { class: 'an-bar' },
        button('Retry all', null, () => this.#retryAll(), 'primary'),
        button('Download', null, () => this.#download()),
        button('Close', null, () => this.element.close())));
    this.element.addEventListener('close', () => { this.asked = null; });
  }

  open() {
    this.draw();
    if (!this.element.open) this.element.showModal();
  }

  draw() {
    const { entries } = this.queue.failed;
    const focused = this.list.contains(document.activeElement);
    this.list.replaceChildren(...entries.map((entry) => this.#row(entry)));
    const next = /** @type {HTMLElement | null} */ (this.list.querySelector('.primary') ?? this.element.querySelector('.an-bar .an-btn'));
    if (focused) next?.focus();
    if (!entries.length && this.element.open) this.element.close();
  }

  /** @param {FailedSave} entry */
  #row({ job, reason, at }) {
    const { op } = job.data;
    const when = new Date(at).toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'short' });
    const choices = this.asked === op
      ? [button('Discard permanently', null, () => { this.queue.failed.remove(op); }, 'primary'), button('Keep', null, () => this.#ask(null))]
      : [button('Retry', null, () => this.queue.retry(op)), button('Discard', null, () => this.#ask(op))];
    return h('li', {}, h('span', { dir: 'auto' }, this.describe(job), h('small', { text: `${reason} ${when}` })), ...choices);
  }

  /** @param {string | null} op */
  #ask(op) {
    this.asked = op;
    this.draw();
  }

  #retryAll() { for (const { job } of this.queue.failed.entries) this.queue.retry(job.data.op); }

  #download() { downloadAnswers('not-saved', this.queue.failed.entries.map(({ job, reason }) => ({ said: this.describe(job), reason, ...job }))); }
}

/** @param {string} name @param {object[]} answers */
export function downloadAnswers(name, answers) {
  const address = URL.createObjectURL(new Blob([JSON.stringify({ answers }, null, 1)], { type: 'application/json' }));
  h('a', { href: address, download: `answers-${name}.json` }).click();
  setTimeout(() => URL.revokeObjectURL(address), 60000);
}
