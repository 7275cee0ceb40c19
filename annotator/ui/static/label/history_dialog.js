// Who said what about one category of this image, when, and on what suggestion.

import { dialog, h } from '../shared/dom.js';

const STATES = { present: 'present', absent: 'absent', unsure: 'cannot tell', cleared: 'back to unknown' };
const SOURCES = {
  human: '', accepted: 'accepting a suggestion', accepted_in_bulk: 'accepting many at once', rejected: 'rejecting a suggestion',
  swept: 'with the rest', imported: 'from an imported file', review: 'in review',
};

export class Telling {
  constructor(server) {
    this.server = server;
    this.title = h('h3', { class: 'an-of', dir: 'auto' });
    this.list = h('ol', { class: 'an-told', reversed: true });
    this.element = dialog('Answers so far', this.title, this.list,
      h('form', { method: 'dialog' }, h('button', { class: 'an-btn primary', text: 'Close' })));
  }

  async open(item, category) {
    this.title.textContent = category.name;
    this.list.replaceChildren(h('li', { text: 'looking ...' }));
    this.element.showModal();
    const said = await this.server.call('history', { image: item.id, category: category.id });
    const lines = said.ok ? said.answers.map(line) : [h('li', { text: said.message ?? 'The server does not answer; try again in a moment.' })];
    this.list.replaceChildren(...(lines.length ? lines : [h('li', { text: 'Nobody has said anything about it yet.' })]));
  }
}

function line({ by, state, source, at, late, cancelled, score, version }) {
  const when = new Date(at).toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'short' });
  const shown = score == null ? '' : `${Math.round(100 * score)} % was shown${version == null ? '' : ` by version ${version}`}`;
  const notes = [SOURCES[source], shown, late && 'too late, kept beside', cancelled && 'taken back'].filter(Boolean);
  return h('li', { class: cancelled || late ? 'gone' : '' },
    h('b', { text: STATES[state] ?? state }), ' by ', h('span', { text: by, dir: 'auto' }), h('small', { text: [when, ...notes].join(' · ') }));
}
