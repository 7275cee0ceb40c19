// The status line: which version is in use, what the trainer does, how far the project is. It stands in
// one row with the menu, so what does not fit is in a panel that it opens.

import { formatNumber, h, setText } from './dom.js';
import { pause } from './server.js';

/** @import { Failure, ProjectState, Reply, Trainer } from './wire.d.ts' */

const EVERY_MS = 1500;

export class StatusLine {
  /** @type {(state: ProjectState) => void} */
  onState = () => {};

  /**
   * @param {{ call: (name: 'state') => Promise<Reply<ProjectState>> }} server
   * @param {{ onVersion?: (number: number | null) => void, onCategories?: (revision: string) => void, onOrder?: () => void }} listeners
   *   `onOrder`: images have an order of their own from now on
   */
  constructor(server, { onVersion = () => {}, onCategories = () => {}, onOrder = () => {} } = {}) {
    this.server = server;
    this.onVersion = onVersion;
    this.onCategories = onCategories;
    this.onOrder = onOrder;
    this.isOrdered = true;
    this.started = false;
    /** @type {ProjectState | null} */
    this.state = null;
    this.dot = h('span', { class: 'an-dot', 'aria-hidden': 'true' });
    this.trainer = h('span', { class: 'an-trainer' });
    this.bar = h('progress', { max: 1, value: 0, 'aria-label': 'progress of the trainer', hidden: true });
    this.counts = h('span', { class: 'an-counts' });
    this.panel = h('div', { id: 'an-whole-status', class: 'an-whole', popover: 'auto' });
    this.brief = h('button', { class: 'an-brief', type: 'button', popovertarget: 'an-whole-status' }, this.dot, this.trainer, this.bar);
    this.brief.addEventListener('click', ({ detail }) => { if (detail) this.brief.blur(); }); // so that Enter and Space stay keys of the page
    this.element = h('div', { class: 'an-status', role: 'group', 'aria-label': 'Status' }, this.brief, this.counts, this.panel);
    this.#run();
  }

  async #run() {
    while (this.element.isConnected || !this.started) {
      if (document.visibilityState === 'visible') await this.update();
      this.started = true;
      await pause(EVERY_MS);
    }
  }

  async update() {
    const state = await this.server.call('state');
    if (state.need_name) return;
    if (!state.ok) this.#showAway(state);
    else {
      this.state = state;
      this.#show(state);
      this.onState(state);
      if (state.ordered && !this.isOrdered) this.onOrder();
      this.isOrdered = state.ordered;
      this.onVersion(state.version);
      this.onCategories(state.categories_revision);
    }
  }

  /** @param {Failure} failure */
  #showAway({ message }) {
    this.dot.dataset.state = 'off';
    this.#say(message ?? 'The server does not answer; your answers are kept in this browser.', this.counts.textContent ?? '');
    this.bar.hidden = true;
  }

  /** @param {ProjectState} state */
  #show(state) {
    const { trainer, version, problem, ordered } = state;
    const busy = ['training', 'embedding'].includes(trainer.state);
    this.dot.dataset.state = trainer.worker_alive || trainer.state === 'starting' ? trainer.state : 'off';
    const model = problem ? `no suggestions: ${problem}` : version === null ? 'no version yet' : `version ${version}`;
    const order = ordered ? [] : ['images come in file order until they have been analysed'];
    const said = [model, trainerText(trainer), ...order].join(' · ');
    this.bar.hidden = !trainer.total || !busy || !trainer.worker_alive;
    this.bar.value = trainer.total ? trainer.done / trainer.total : 0;
    this.#say(said, workText(state).join(' · '));
  }

  /** @param {string} trainer @param {string} counts */
  #say(trainer, counts) {
    setText(this.trainer, trainer);
    setText(this.counts, counts);
    Object.assign(this.brief, { title: trainer });
    Object.assign(this.counts, { title: counts });
    const lines = [...trainer.split(' · '), ...counts.split(' · ')].filter(Boolean);
    if (this.panel.dataset.said === lines.join()) return;
    this.panel.dataset.said = lines.join();
    this.panel.replaceChildren(...lines.map((text) => h('p', { text })));
  }
}

// What somebody who labels wants to know: how far the images are, what today brought, how long the rest takes.
/** @param {ProjectState} state */
function workText({ images, images_done: done, today, time_left: left }) {
  const said = [`${done === null ? '…' : formatNumber(done)} of ${formatNumber(images)} images done`];
  const pace = today.per_minute === null ? '' : `, ${formatNumber(Math.round(today.per_minute))} a minute`;
  if (today.answers) said.push(`today ${formatNumber(today.answers)} ${today.answers === 1 ? 'answer' : 'answers'}${pace}`);
  if (left) said.push(`${left} left`);
  return said;
}

/** @param {Trainer} trainer */
function trainerText({ state, stage, message, loss, worker_alive: alive }) {
  if (!alive || state === 'waiting') return message;
  if (state === 'failed') return `The last training failed: ${message}`;
  if (state === 'training') return `training${stage ? `: ${stage}` : ''}${loss == null ? '' : ` · loss ${Number(loss).toFixed(3)}`}`;
  if (state === 'embedding') return 'analysing the images';
  return 'the trainer is waiting for answers';
}
