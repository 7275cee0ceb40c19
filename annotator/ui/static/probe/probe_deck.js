// Where cards of probes come from and where the answers go; an unfinished card is kept.

import { store, stored } from '../shared/browser_store.js';
import { h, randomId } from '../shared/dom.js';
import { ProbeCard } from './probe_card.js';

/** @import { State } from '../shared/wire.d.ts' */
/** @import { WorkScreen } from '../shared/work_screen.js' */
/** @import { Question } from './probe_card.js' */

export class ProbeDeck {
  /** @param {WorkScreen} page @param {string} owner names this annotator in this project */
  constructor(page, owner) {
    this.page = page;
    this.key = `annotator-card:${owner}`;
    /** @type {string | null} */
    this.kept = null; // the unfinished card, where the browser stores nothing
    this.id = '';
    this.refusal = ''; // of the last fetch
    this.live = h('div', { class: 'an-spoken', 'aria-live': 'polite' });
    this.card = new ProbeCard({
      onAnswer: (question, state, ms) => this.#save(question, state, ms), say: (text) => { this.live.textContent = text; },
    });
    this.held = ''; // the id of the card whose questions nobody else is asked
    this.isLeft = false; // and it is on no screen any more
    page.onSaved = ({ fails }) => {
      this.card.showUnsent(fails ? this.#unsent.length : 0);
      if (this.isLeft) this.#release();
    };
    addEventListener('pagehide', () => this.#release());
    this.card.element.append(this.live); // the page's own is out of reach while the card is open
    page.root.append(this.card.element);
  }

  // The id of a card that was begun and not gone through, in whichever tab; null if there is none.
  get unfinished() { return stored(this.key) ?? this.kept; }

  /** @param {string | null} id */
  #keep(id) { this.kept = store(this.key, id) ? null : id; }

  get #unsent() { return this.page.queue.jobs.filter(({ call }) => call === 'probe_answer'); }

  // The questions of the unfinished card, or of a new one; null if there is none to be had now, and
  // `refusal` says why.
  /** @returns {Promise<Question[] | null>} */
  async fetch() {
    const known = this.unfinished;
    const id = known ?? randomId();
    const reply = await this.page.server.call('probe_card', { card: id });
    this.refusal = reply.ok ? '' : reply.message ?? 'The server does not answer; try again in a moment.';
    if (!reply.ok) return null;
    const questions = this.#withUnsaved(reply.questions);
    if (questions.some((question) => !question.said && !question.problem)) {
      this.#keep(id);
      this.id = id;
      this.held = id;
      this.isLeft = false;
      return questions;
    }
    this.#keep(null);
    return known ? this.fetch() : [];
  }

  // What this browser could not send yet has been answered all the same.
  /** @param {Question[]} questions */
  #withUnsaved(questions) {
    const own = new Map(this.#unsent.map(({ data }) => [data.probe, data.state]));
    return questions.map((question) => ({ ...question, said: own.get(question.probe) ?? question.said }));
  }

  /** @param {Question[]} questions @param {boolean} [isBetweenImages] */
  async play(questions, isBetweenImages = false) {
    const end = await this.card.open(questions, isBetweenImages);
    if (end === 'done' || end === 'more') this.#keep(null);
    this.isLeft = true;
    this.#release();
    return end;
  }

  // Others are asked what is open on it. An answer that is on its way still needs the card, and would hold it again.
  #release() {
    if (!this.held || this.#unsent.length) return;
    this.page.server.call('probe_release', { card: this.held });
    this.held = '';
  }

  /** @param {Question} question @param {State} state @param {number} ms */
  #save({ probe }, state, ms) {
    const { page } = this;
    page.queue.push('probe_answer', { as: page.me, op: randomId(), card: this.id, probe, state, ms });
  }
}
