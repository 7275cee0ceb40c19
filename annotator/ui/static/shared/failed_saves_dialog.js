// The list of what was put aside: try again, keep as a file, or discard after a question.

import { button, dialog, h } from './dom.js';

export class AsideDialog {
  // `words(job)` says what an answer says.
  constructor({ words }) {
    Object.assign(this, { words, asked: null });
    this.list = h('ul', { class: 'an-notes an-aside' });
    this.element = dialog('Put aside',
      h('p', { text: 'These answers could not be saved. They are kept in this browser until you decide, also when the page is closed.' }),
      this.list,
      h('div', { class: 'an-bar' },
        button('Try all again', null, () => this.#all(), 'primary'),
        button('Keep as a file', null, () => this.#save()),
        button('Close', null, () => this.element.close())));
    this.element.addEventListener('close', () => { this.asked = null; });
  }

  open() {
    this.draw();
    if (!this.element.open) this.element.showModal();
  }

  draw() {
    const { entries } = this.queue.aside;
    const focused = this.list.contains(document.activeElement);
    this.list.replaceChildren(...entries.map((entry) => this.#row(entry)));
    if (focused) (this.list.querySelector('.primary') ?? this.element.querySelector('.an-bar .an-btn')).focus();
    if (!entries.length && this.element.open) this.element.close();
  }

  #row({ job, reason, at }) {
    const { op } = job.data;
    const when = new Date(at).toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'short' });
    const isAsked = this.asked === op;
    const choices = isAsked
      ? [button('Discard for good', null, () => this.queue.aside.remove(op), 'primary'), button('Keep it', null, () => this.#ask(null))]
      : [button('Try again', null, () => this.queue.retry(op)), button('Discard', null, () => this.#ask(op))];
    return h('li', {}, h('span', { dir: 'auto' }, this.words(job), h('small', { text: `${reason} ${when}` })), ...choices);
  }

  #ask(op) {
    this.asked = op;
    this.draw();
  }

  #all() { for (const { job } of this.queue.aside.entries) this.queue.retry(job.data.op); }

  #save() { saveFile('put-aside', this.queue.aside.entries.map(({ job, reason }) => ({ said: this.words(job), reason, ...job }))); }
}

export function saveFile(name, answers) {
  const address = URL.createObjectURL(new Blob([JSON.stringify({ answers }, null, 1)], { type: 'application/json' }));
  h('a', { href: address, download: `answers-${name}.json` }).click();
  setTimeout(() => URL.revokeObjectURL(address), 60000);
}
