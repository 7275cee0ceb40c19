// The status line: what the trainer does, which version is in use, how far the project is.

import { h } from './dom.js';

const EVERY_MS = 1500;

export class Watch {
  constructor(server, { onVersion }) {
    Object.assign(this, { server, onVersion, version: undefined });
    this.dot = h('span', { class: 'an-dot' });
    this.trainer = h('span', { class: 'an-trainer' });
    this.bar = h('progress', { max: 1, value: 0, 'aria-label': 'training progress', hidden: true });
    this.counts = h('span', { class: 'an-counts' });
    this.element = h('div', { class: 'an-status', role: 'status' }, this.dot, this.trainer, this.bar, h('span', { class: 'an-grow' }), this.counts);
    this.#tick();
  }

  async #tick() {
    if (document.visibilityState === 'visible' || this.version === undefined) await this.#look();
    setTimeout(() => this.#tick(), EVERY_MS);
  }

  async #look() {
    let state = null;
    try {
      state = await this.server.state({});
    } catch {
      state = null; // the server is away; the queue says so
    }
    if (!state?.trainer) return this.#away(state);
    this.#show(state);
    const before = this.version;
    this.version = state.version;
    if (before !== undefined && state.version !== null && state.version !== before) this.onVersion(state.version);
    return null;
  }

  #away(state) {
    if (state?.need_name) return;
    this.dot.dataset.state = 'off';
    this.trainer.textContent = 'The server does not answer; your answers wait in this browser.';
    this.bar.hidden = true;
  }

  #show({ trainer, version, images, answered, open, suggestions }) {
    this.dot.dataset.state = trainer.state;
    this.trainer.textContent = [sentence(trainer), version === null ? 'no version yet' : `version ${version}`].join(' · ');
    this.bar.hidden = !trainer.total || !['training', 'embedding'].includes(trainer.state);
    this.bar.max = trainer.total || 1;
    this.bar.value = trainer.done;
    const number = (n) => n.toLocaleString('en');
    this.counts.textContent = `${number(images)} images · ${number(answered)} answered · ${number(open)} open · ${number(suggestions)} suggestions`;
  }
}

function sentence({ state, stage, message, loss, worker_alive: alive }) {
  if (!alive) return 'The trainer has stopped; labelling goes on. Start it with: annotator work PROJECT';
  if (state === 'failed') return `The last training failed: ${message}`;
  if (state === 'training') return `training${stage ? `: ${stage}` : ''}${loss == null ? '' : ` · loss ${Number(loss).toFixed(3)}`}`;
  if (state === 'embedding') return 'looking at the pictures';
  return 'trainer waits for answers';
}
