// When the Label page shows a card of blind questions: between two images, never waiting for the server.

import { ProbeDeck } from '../probe/probe_deck.js';

/** @import { WorkScreen } from '../shared/work_screen.js' */
/** @import { Question } from '../probe/probe_card.js' */

const EVERY = 5; // images between two looks whether a card is due
const LATER = 10; // images until a card that was put off is offered again

export class ProbeSchedule {
  /** @param {WorkScreen} page @param {string} owner names this annotator in this project */
  constructor(page, owner) {
    this.images = 0;
    this.lookAt = EVERY;
    /** @type {Question[] | null} */
    this.questions = null;
    this.isLooking = false;
    this.deck = new ProbeDeck(page, owner);
    this.server = page.server;
  }

  // Null, or a promise of the end of the card.
  turn() {
    this.images += 1;
    const { questions } = this;
    if (questions) return this.#play(questions);
    if (this.images >= this.lookAt && !this.isLooking) this.#look();
    return null;
  }

  /** @param {Question[]} questions */
  async #play(questions) {
    this.questions = null;
    const isDone = await this.deck.play(questions);
    this.lookAt = this.images + (isDone ? EVERY : LATER);
  }

  // One at a time: the answer to a second one could bring back a card that was put off meanwhile.
  async #look() {
    this.isLooking = true;
    const questions = this.deck.unfinished || await this.#isDue() ? await this.deck.fetch() : null;
    this.questions = questions?.length ? questions : null;
    this.lookAt = this.images + EVERY;
    this.isLooking = false;
  }

  async #isDue() {
    const reply = await this.server.call('probe_due');
    return reply.ok && reply.due;
  }
}
