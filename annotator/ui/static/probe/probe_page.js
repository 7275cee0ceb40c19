// The Probe page: what probes are for, who answered how many, and cards in a row.

import { button, formatNumber, h } from '../shared/dom.js';
import { commandsOf, helpOf } from '../shared/keyboard.js';
import { WorkScreen } from '../shared/work_screen.js';
import { ProbeDeck } from './probe_deck.js';

/** @import { Start } from '../shared/wire.d.ts' */

const KEYS = [
  { command: 'play', on: ['Enter'], show: '⏎', text: 'start, or go on with another ten' },
  { command: 'present', on: [], show: '1 →', text: 'yes, it is in the image' },
  { command: 'absent', on: [], show: '2 ←', text: 'no, it is not' },
  { command: 'unsure', on: [], show: '3 ↓', text: 'cannot tell' },
  { command: 'back', on: [], show: '⌫', text: 'back to the previous question' },
  { command: 'later', on: [], show: 'Esc', text: 'later; after the last question: close' },
  { command: 'label', on: [], show: 'L', text: 'after the last question: back to the Label page' },
  { command: 'help', on: ['?'], show: '?', text: 'this help' },
];

const commandOf = commandsOf(KEYS);

export class ProbePage extends WorkScreen {
  /** @type {ProbeDeck | undefined} */
  deck;

  isBusy = false;

  /** @param {HTMLElement} root @param {Record<string, (data: object) => Promise<any>>} functions */
  constructor(root, functions) {
    super(root, functions, { page: 'probe', help: helpOf(KEYS) });
    this.playButton = button('Answer ten probes', '⏎', () => this.play(), 'primary');
    this.message = h('p', { class: 'pb-said', role: 'status' });
    this.total = h('p', { class: 'pb-total' });
    this.people = h('ul', { class: 'pb-people', 'aria-label': 'Answers by person' });
    this.every = h('p', { class: 'pb-every' });
    this.mount();
  }

  build() {
    return [h('section', { class: 'pb-page', 'aria-label': 'Probes' },
      h('h1', { text: 'Probes' }),
      h('p', { text: 'A probe is a question about a randomly drawn image and category that shows nothing of what the model or anyone else thinks. '
        + 'The answers measure how far the model can be trusted; they are not labels and the model does not learn from them. If you are not sure, answer "Cannot tell": a guess would distort the measurement.' }),
      this.every, h('div', { class: 'an-bar' }, this.playButton, button('Help', '?', () => this.help.showModal()), h('span', { class: 'an-grow' }), this.saved),
      this.message, this.total, this.people)];
  }

  /** @param {Start} start */
  prepare({ project }) {
    this.deck = new ProbeDeck(this, `${project.key}:${this.me}`);
  }

  async open() {
    this.ready();
    this.#nameButton();
    await this.report();
  }

  #nameButton() { this.playButton.say(this.deck?.unfinished ? 'Continue the card' : 'Answer ten probes'); }

  async report() {
    const report = await this.server.call('probe_report');
    if (!report.ok) return;
    const { answered, people, every } = report;
    this.total.textContent = answered ? `${formatNumber(answered)} ${answered === 1 ? 'probe has' : 'probes have'} been answered:` : 'No probe has been answered yet.';
    this.people.replaceChildren(...people.map((person) => h('li', {}, h('span', { text: person.name, dir: 'auto' }), h('b', { text: formatNumber(person.answered) }))));
    this.every.textContent = every === null ? 'Cards on the Label page are switched off in this project; you can still answer some here.'
      : `On the Label page a card of ten probes appears after every ${formatNumber(every)} answers.`;
  }

  async play() {
    if (!this.deck || this.isBusy) return;
    this.isBusy = true;
    try {
      await this.#playCards(this.deck);
    } finally {
      this.isBusy = false;
    }
    await this.report();
  }

  /** @param {ProbeDeck} deck */
  async #playCards(deck) {
    this.notify('');
    this.takeCategories();
    let questions = await deck.fetch();
    while (questions?.length && await deck.play(questions) === 'more') questions = await deck.fetch();
    if (!questions) this.notify(deck.refusal);
    else if (!questions.length) this.notify('There is nothing to ask right now: no open pair is left, or others are being asked about the last ones.');
    this.#nameButton();
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const command = event.repeat ? null : commandOf(event);
    if (command === 'play') this.play();
    else if (command === 'help') this.help.showModal();
    return command !== null;
  }

  categoriesComing() { if (!this.isBusy) this.takeCategories(); }

  confirmed() { if (!this.isBusy) this.report(); }

  /** @param {string} text */
  fail(text) { this.notify(text); }

  /** @param {string} text */
  notify(text) { this.message.textContent = text; }
}
