// Flagging an image with a note, and taking a flag off.

import { dialog, h } from '../shared/dom.js';

/** @import { Flag, FlagRequest, ResolveFlagRequest } from '../shared/wire.d.ts' */
/** @import { Server } from '../shared/server.js' */

const AWAY = 'The server does not answer; try again in a moment.';

export class FlagDialog {
  /** @param {Server} server @param {{ onChange: (image: number, flags: Flag[]) => void }} listeners */
  constructor(server, { onChange }) {
    this.server = server;
    this.onChange = onChange;
    /** @type {number | null} */
    this.image = null;
    this.input = h('input', { class: 'an-find', maxlength: 500, 'aria-label': 'Note', placeholder: 'What should somebody look at?', autocomplete: 'off', dir: 'auto' });
    this.wrong = h('p', { class: 'an-wrong', role: 'alert' });
    this.list = h('ul', { class: 'an-notes' });
    const form = h('form', {}, this.list, this.input, this.wrong,
      h('div', { class: 'an-bar' }, h('button', { class: 'an-btn primary', type: 'submit', text: 'Flag it' }),
        h('button', { class: 'an-btn', type: 'button', text: 'Close', onclick: () => this.element.close() })));
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      if (this.image !== null) this.#send('flag', { image: this.image, note: this.input.value }, true);
    });
    this.element = dialog('Flag this image', form);
  }

  /** @param {{ id: number, flags: Flag[] }} item */
  open({ id, flags }) {
    this.image = id;
    this.input.value = '';
    this.wrong.textContent = '';
    this.#draw(flags);
    this.element.showModal();
    this.input.focus();
  }

  /** @param {Flag[]} flags */
  #draw(flags) {
    this.list.replaceChildren(...flags.map(({ id, note, by }) => h('li', {},
      h('span', { text: note || 'no note', dir: 'auto' }), h('small', { text: by }),
      h('button', { class: 'an-btn', type: 'button', text: 'Resolved', onclick: () => this.#send('resolve_flag', { flag: id }, flags.length === 1) }))));
  }

  /** @param {'flag' | 'resolve_flag'} call @param {FlagRequest | ResolveFlagRequest} data @param {boolean} isLast */
  async #send(call, data, isLast) {
    const reply = await this.server.call(call, data);
    this.wrong.textContent = reply.ok ? '' : reply.message ?? AWAY;
    if (!reply.ok) return;
    this.onChange(reply.image, reply.flags);
    if (isLast) this.element.close();
    else this.#draw(reply.flags);
  }
}
