// When the Label page shows a card of blind questions: between two images, never waiting for the server.

import { ProbeDeck } from '../probe/probe_deck.js';

const EVERY = 5; // images between two looks whether a card is due
const LATER = 10; // images until a card that was put off is offered again

export class ProbeTurn {
  // `place` names this annotator in this project.
  constructor(board, place) {
    Object.assign(this, { images: 0, lookAt: EVERY, questions: null, isLooking: false });
    this.deck = new ProbeDeck(board, place);
    this.server = board.server;
  }

  // Null, or a promise of the end of the card.
  turn() {
    this.images += 1;
    const { questions } = this;
    if (questions) return this.#play(questions);
    if (this.images >= this.lookAt && !this.isLooking) this.#look();
    return null;
  }

  async #play(questions) {
    this.questions = null;
    const isDone = await this.deck.play(questions);
    this.lookAt = this.images + (isDone ? EVERY : LATER);
  }

  // One at a time: the answer to a second one could bring back a card that was put off meanwhile.
  async #look() {
    this.isLooking = true;
    const isDue = this.deck.unfinished || (await this.server.call('probe_due')).due;
    const questions = isDue ? await this.deck.fetch() : null;
    this.questions = questions?.length ? questions : null;
    this.lookAt = this.images + EVERY;
    this.isLooking = false;
  }
}
