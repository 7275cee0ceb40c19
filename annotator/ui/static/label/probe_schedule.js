// When the Label page shows a card of probes: between two images, never waiting for the server.

import { parsed, store } from '../shared/browser_store.js';
import { ProbeDeck } from '../probe/probe_deck.js';

/** @import { WorkScreen } from '../shared/work_screen.js' */
/** @import { Question } from '../probe/probe_card.js' */

/** @typedef {{ after: number, day?: string }} PutOff `after`: the newest operation then; `day`: not on this one */

const EVERY = 5; // images between two looks whether a card is due

export class ProbeSchedule {
  /** @param {WorkScreen} page @param {string} owner names this annotator in this project */
  constructor(page, owner) {
    this.images = 0;
    this.lookAt = EVERY;
    /** @type {Question[] | null} */
    this.questions = null;
    this.isLooking = false;
    this.newest = 0; // operation, when the server was last asked
    this.key = `annotator-card-later:${owner}`;
    /** @type {PutOff | null} */
    this.kept = null; // where the browser stores nothing
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
    const end = await this.deck.play(questions, true);
    this.#putOff(end === 'later' ? { after: this.newest } : end === 'today' ? { after: this.newest, day: today() } : null);
    this.lookAt = this.images + EVERY;
  }

  /** @param {PutOff | null} until */
  #putOff(until) { this.kept = store(this.key, until && JSON.stringify(until)) ? null : until; }

  // One at a time: the answer to a second one could bring back a card that was put off meanwhile.
  async #look() {
    this.isLooking = true;
    const questions = await this.#isDue() ? await this.deck.fetch() : null;
    this.questions = questions?.length ? questions : null;
    this.lookAt = this.images + EVERY;
    this.isLooking = false;
  }

  // A card that was put off waits for as many decisions as a new one; a card that was left some other way comes back.
  async #isDue() {
    /** @type {PutOff | null} */
    let until = this.kept ?? parsed(this.key);
    if (until?.day === today()) return false;
    if (until?.day) until = null;
    const reply = await this.server.call('probe_due', { after: until?.after || null });
    if (!reply.ok) return false;
    this.newest = reply.newest;
    return reply.due || (!until && this.deck.unfinished !== null);
  }
}

const today = () => new Date().toDateString();
