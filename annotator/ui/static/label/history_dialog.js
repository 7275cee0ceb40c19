// Who answered what about one category of this image, when, and on what suggestion.

import { dialog, h } from '../shared/dom.js';

/** @import { Category, HistoryRow } from '../shared/wire.d.ts' */
/** @import { Server } from '../shared/server.js' */

const STATES = { present: 'present', absent: 'absent', unsure: 'cannot tell', cleared: 'back to unknown' };
const SOURCES = {
  human: '', accepted: 'accepted a suggestion', accepted_in_bulk: 'accepted in bulk', rejected: 'rejected a suggestion',
  swept: 'rest marked absent', imported: 'imported from a file', review: 'in review',
};

export class HistoryDialog {
  /** @param {Server} server */
  constructor(server) {
    this.server = server;
    this.title = h('h3', { class: 'an-of', dir: 'auto' });
    this.list = h('ol', { class: 'an-history', reversed: true });
    this.element = dialog('Answers so far', this.title, this.list,
      h('form', { method: 'dialog' }, h('button', { class: 'an-btn primary', text: 'Close' })));
  }

  /** @param {{ id: number }} item @param {Category} category */
  async open(item, category) {
    this.title.textContent = category.name;
    this.list.replaceChildren(h('li', { text: 'loading ...' }));
    this.element.showModal();
    const reply = await this.server.call('history', { image: item.id, category: category.id });
    if (!reply.ok) this.list.replaceChildren(h('li', { text: reply.message ?? 'The server does not answer; try again in a moment.' }));
    else if (!reply.answers.length) this.list.replaceChildren(h('li', { text: 'Nobody has answered this yet.' }));
    else this.list.replaceChildren(.../** @type {HistoryRow[]} */ (reply.answers).map(line));
  }
}

/** @param {HistoryRow} row */
function line({ by, state, source, at, late, check, cancelled, score, version }) {
  const when = new Date(at).toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'short' });
  const shown = score == null ? '' : `${Math.round(100 * score)} % was shown${version == null ? '' : ` by version ${version}`}`;
  const notes = [SOURCES[source], shown, check ? 'asked again as an attention check, not counted' : late && 'too late, not counted', cancelled && 'undone'].filter(Boolean);
  return h('li', { class: cancelled || late ? 'gone' : '' },
    h('b', { text: STATES[state] ?? state }), ' by ', h('span', { text: by, dir: 'auto' }), h('small', { text: [when, ...notes].join(' · ') }));
}
