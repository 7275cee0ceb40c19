// Where cards of blind questions come from and where the answers go; an unfinished card is kept.

import { h, randomId } from '../shared/dom.js';
import { ProbeCard } from './probe_card.js';

export class ProbeDeck {
  // `screen` is the page with its server and its queue, `place` names this annotator in this project.
  constructor(screen, place) {
    Object.assign(this, { screen, key: `annotator-card:${place}` });
    this.card = new ProbeCard({
      onAnswer: (question, state, ms) => this.#save(question, state, ms), say: (text) => { this.voice.textContent = text; },
    });
    this.voice = h('div', { class: 'an-spoken', 'aria-live': 'polite' });
    this.card.element.append(this.voice); // the page's own is out of reach while the card is open
    screen.root.append(this.card.element);
  }

  // The id of a card that was begun and not gone through, in whichever tab; null if there is none.
  get unfinished() {
    try {
      return localStorage.getItem(this.key);
    } catch {
      return this.kept ?? null;
    }
  }

  #keep(id) {
    this.kept = id;
    try {
      if (id) localStorage.setItem(this.key, id); else localStorage.removeItem(this.key);
    } catch {
      // Kept until the page is closed.
    }
  }

  // The questions of the unfinished card, or of a new one; null if the server does not answer.
  async fetch() {
    const known = this.unfinished;
    const id = known ?? randomId();
    const said = await this.screen.server.call('probe_card', { card: id });
    if (!said.ok) return null;
    const questions = this.#withUnsaved(said.questions);
    if (questions.some((question) => !question.said && !question.problem)) {
      this.#keep(id);
      this.id = id;
      return questions;
    }
    this.#keep(null);
    return known ? this.fetch() : [];
  }

  // What this browser could not send yet has been answered all the same.
  #withUnsaved(questions) {
    const jobs = this.screen.queue.jobs.filter(({ call }) => call === 'probe_answer');
    const own = new Map(jobs.map(({ data }) => [data.probe, data.state]));
    return questions.map((question) => ({ ...question, said: own.get(question.probe) ?? question.said }));
  }

  async play(questions, words) {
    const isDone = await this.card.open(questions, words);
    if (isDone) this.#keep(null);
    return isDone;
  }

  #save({ probe }, state, ms) {
    const { screen } = this;
    screen.queue.push('probe_answer', { as: screen.me, op: randomId(), card: this.id, probe, state, ms });
  }
}
