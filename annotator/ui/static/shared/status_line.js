// The status line: what the trainer does, which version is in use, how far the project is.

import { h } from './dom.js';
import { pause } from './server.js';

const EVERY_MS = 1500;

export class Watch {
  constructor(server, { onVersion }) {
    Object.assign(this, { server, onVersion, embedded: true, state: null });
    this.dot = h('span', { class: 'an-dot', 'aria-hidden': 'true' });
    this.trainer = h('span', { class: 'an-trainer' });
    this.bar = h('progress', { max: 1, value: 0, 'aria-label': 'progress of the trainer', hidden: true });
    this.counts = h('span', { class: 'an-counts' });
    this.element = h('div', { class: 'an-status', role: 'group', 'aria-label': 'Status' }, this.dot, this.trainer, this.bar, h('span', { class: 'an-grow' }), this.counts);
    this.#run();
  }

  async #run() {
    while (this.element.isConnected || !this.started) {
      if (document.visibilityState === 'visible') await this.look();
      this.started = true;
      await pause(EVERY_MS);
    }
  }

  async look() {
    const state = await this.server.call('state');
    if (state.need_name) return;
    if (!state.trainer) this.#away(state);
    else {
      this.state = state;
      this.#show(state);
      this.onVersion(state.version);
    }
  }

  #away({ message }) {
    this.dot.dataset.state = 'off';
    this.trainer.textContent = message ?? 'The server does not answer; your answers wait in this browser.';
    this.bar.hidden = true;
  }

  #show({ trainer, version, images, answered, filled, open, suggestions, suggestions_about: about }) {
    const busy = ['training', 'embedding'].includes(trainer.state);
    this.dot.dataset.state = trainer.worker_alive ? trainer.state : 'off';
    const model = version === null ? 'no version yet' : `version ${version}`;
    const order = this.embedded || version !== null ? [] : ['images come in file order until the trainer has looked at them'];
    this.#say(this.trainer, [sentence(trainer), model, ...order].join(' · '));
    this.bar.hidden = !trainer.total || !busy || !trainer.worker_alive;
    this.bar.value = trainer.total ? trainer.done / trainer.total : 0;
    const number = (n) => Number(n).toLocaleString('en');
    this.#say(this.counts, [
      `${number(images)} images`, `${number(answered)} answered`, `${number(filled)} filled`, `${number(open)} open`,
      `${about ? 'about ' : ''}${number(suggestions)} suggestions`].join(' · '));
  }

  #say(element, text) { if (element.textContent !== text) element.textContent = text; }
}

function sentence({ state, stage, message, loss, worker_alive: alive }) {
  if (!alive) return 'The trainer has stopped; labelling goes on. Start it with: annotator work PROJECT';
  if (state === 'failed') return `The last training failed: ${message}`;
  if (state === 'training') return `training${stage ? `: ${stage}` : ''}${loss == null ? '' : ` · loss ${Number(loss).toFixed(3)}`}`;
  if (state === 'embedding') return 'looking at the pictures';
  return 'trainer waits for answers';
}
