// The Probe page: what blind questions are for, who answered how many, and cards in a row.

import { button, h } from '../shared/dom.js';
import { ProbeDeck } from './probe_deck.js';
import { Screen } from '../shared/work_screen.js';
import { command } from '../shared/keys.js';

const HELP = [
  ['⏎', 'begin, or go on with the next ten'], ['1 →', 'yes, it is in the picture'], ['2 ←', 'no, it is not'],
  ['3 ↓', 'cannot tell'], ['⌫', 'back to the question before'], ['Esc', 'later'], ['?', 'this help'],
];

export class ProbePage extends Screen {
  constructor(root, functions) {
    super(root, functions, { help: HELP });
    this.mount();
  }

  build() {
    this.begin10 = button('Answer ten questions', '⏎', () => this.play(), 'primary');
    this.said = h('p', { class: 'pb-said', role: 'status' });
    this.total = h('p', { class: 'pb-total' });
    this.people = h('ul', { class: 'pb-people', 'aria-label': 'Answers by person' });
    this.every = h('p', { class: 'pb-every' });
    return [h('section', { class: 'pb-page', 'aria-label': 'Blind checks' },
      h('h1', { text: 'Blind checks' }),
      h('p', { text: 'A blind check asks about a picture and a category that were drawn at random, and shows nothing of what the model or anybody else thinks. '
        + 'The answers measure how far the model can be trusted; they are no labels and teach it nothing. Say that you cannot tell where you cannot: a guess would spoil the measure.' }),
      this.every, h('div', { class: 'an-bar' }, this.begin10, button('Help', '?', () => this.help.showModal()), h('span', { class: 'an-grow' }), this.saved, this.who),
      this.said, this.total, this.people)];
  }

  prepare({ project }) {
    this.deck = new ProbeDeck(this, `${project.key}:${this.me}`);
  }

  async open() {
    this.ready();
    this.begin10.say(this.deck.unfinished ? 'Go on with the card' : 'Answer ten questions');
    await this.report();
  }

  async report() {
    const said = await this.server.call('probe_report');
    if (!said.ok) return;
    const { answered, people, every } = said;
    const number = (n) => Number(n).toLocaleString('en');
    this.total.textContent = answered ? `${number(answered)} ${answered === 1 ? 'question has' : 'questions have'} been answered:` : 'No question has been answered yet.';
    this.people.replaceChildren(...people.map(({ name, answered: own }) => h('li', {}, h('span', { text: name, dir: 'auto' }), h('b', { text: number(own) }))));
    this.every.textContent = every === null ? 'Cards on the Label page are switched off in this project; here you can answer some all the same.'
      : `On the Label page a card of ten comes by itself after every ${number(every)} decisions.`;
  }

  async play() {
    if (!this.deck || this.isBusy) return;
    this.isBusy = true;
    try {
      await this.#cards();
    } finally {
      this.isBusy = false;
    }
    await this.report();
  }

  async #cards() {
    this.tell('');
    let questions = await this.deck.fetch();
    while (questions?.length && await this.deck.play(questions, { finish: 'Next ten' })) questions = await this.deck.fetch();
    if (!questions) this.tell('The server does not answer; try again in a moment.');
    else if (!questions.length) this.tell('There is nothing to ask just now: no open pair is left, or others are being asked about the last ones.');
    this.begin10.say(this.deck.unfinished ? 'Go on with the card' : 'Answer ten questions');
  }

  key(event) {
    if (event.repeat) return false;
    if (event.key === 'Enter') this.play();
    else if (command(event) === 'help') this.help.showModal();
    else return false;
    return true;
  }

  confirmed() { if (!this.isBusy) this.report(); }

  fail(text) { this.tell(text); }

  tell(text) { this.said.textContent = text; }
}
