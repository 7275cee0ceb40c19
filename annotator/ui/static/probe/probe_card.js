// Ten blind questions, one at a time, over everything else: no score, no label, no hint of either.

import { button, h, picture } from '../shared/dom.js';
import { digitOf } from '../shared/keys.js';

const STATES = ['present', 'absent', 'unsure'];
const SAID = { present: 'yes', absent: 'no', unsure: 'cannot tell' };
const ARROWS = { ArrowRight: 'present', ArrowLeft: 'absent', ArrowDown: 'unsure' };
const CALM_MS = 500; // a key that was meant for the page below is no answer

export class ProbeCard {
  // `onAnswer(question, state, ms)`: as often as somebody changes their mind.
  constructor({ onAnswer, say }) {
    Object.assign(this, { onAnswer, say, questions: [], at: 0 });
    this.count = h('b', {});
    this.dots = h('ol', { class: 'pb-dots', 'aria-hidden': 'true' });
    this.image = h('img', { class: 'pb-image', alt: 'the picture in question', draggable: 'false' });
    this.problem = h('p', { class: 'pb-problem', role: 'alert', hidden: true });
    this.name = h('strong', { dir: 'auto' });
    this.about = h('div', { class: 'pb-about' });
    this.article = h('span', {});
    this.ask = h('h2', { class: 'pb-ask', tabindex: '-1' }, 'Is there ', this.article, this.name, ' in this picture?');
    this.element = this.#build();
    this.image.addEventListener('load', () => this.#loaded());
    this.image.addEventListener('error', () => this.#broken());
  }

  #build() {
    this.buttons = STATES.map((state, place) => this.#choice(state, place));
    this.choices = h('div', { class: 'pb-choices', role: 'group', 'aria-label': 'Your answer' }, ...this.buttons);
    this.back = button('Back', '⌫', () => this.#back());
    this.later = button('Later', 'Esc', () => this.#close(false));
    this.goOn = button('Go on without it', '⏎', () => this.#step(), 'primary');
    this.asking = h('div', { class: 'pb-asking' }, h('div', { class: 'pb-stage' }, this.image, this.problem),
      h('div', { class: 'pb-side' }, this.ask, this.about, this.choices, this.goOn));
    this.finish = button('Go on', '⏎', () => this.#close(true), 'primary');
    this.thanks = h('h2', { tabindex: '-1' });
    this.done = h('div', { class: 'pb-done', hidden: true }, this.thanks, h('p', { text: 'The last answer can still be changed: press ⌫.' }), this.finish);
    const element = h('dialog', { class: 'an-dialog pb-card', 'aria-label': 'Blind check' },
      h('header', { class: 'pb-head' }, this.count, this.dots, h('span', { class: 'an-grow' }), this.back, this.later),
      this.asking, this.done,
      h('p', { class: 'pb-why', text: 'A blind check: ten questions without the model’s opinion. They measure how far it can be trusted and teach it nothing.' }));
    element.addEventListener('keydown', (event) => this.#key(event));
    element.addEventListener('cancel', (event) => {
      event.preventDefault();
      this.#close(false);
    });
    return element;
  }

  #choice(state, place) {
    const arrow = ['→', '←', '↓'][place];
    const element = h('button', { class: 'an-btn pb-choice', type: 'button', 'data-state': state },
      h('kbd', { text: place + 1, 'aria-hidden': 'true' }), h('span', { text: ['Yes', 'No', 'Cannot tell'][place] }), h('kbd', { text: arrow, 'aria-hidden': 'true' }));
    element.addEventListener('click', () => this.#answer(state));
    return element;
  }

  // Resolves with true once the card was gone through, with false if it was put off.
  open(questions, { finish = 'Back to labelling' } = {}) {
    this.questions = questions;
    const first = questions.findIndex(({ said }) => !said);
    this.at = first < 0 ? questions.length : first;
    this.finish.say(finish);
    this.#calmDown();
    this.dots.replaceChildren(...questions.map(() => h('li', {})));
    for (const { image } of questions) new Image().src = picture(1280, image); // there before it is asked about
    this.element.showModal();
    this.#show();
    return new Promise((resolve) => { this.resolve = resolve; });
  }

  #calmDown() {
    const { dataset } = this.element;
    dataset.calm = 'false';
    clearTimeout(this.timer);
    this.timer = setTimeout(() => { dataset.calm = 'true'; }, CALM_MS);
  }

  get question() { return this.questions[this.at]; }

  #show() {
    const { question, questions, at } = this;
    const over = !question;
    this.asking.hidden = over;
    this.done.hidden = !over;
    this.back.disabled = at === 0;
    this.later.hidden = over;
    this.count.textContent = `Blind check, ${over ? 'done' : `${at + 1} of ${questions.length}`}`;
    [...this.dots.children].forEach((dot, place) => Object.assign(dot.dataset, { said: Boolean(questions[place].said), now: place === at }));
    this.element.dataset.ready = 'false';
    if (over) this.#showDone();
    else this.#showQuestion(question);
  }

  #showDone() {
    const open = this.questions.filter(({ said }) => !said).length;
    this.thanks.textContent = open ? `Thank you. ${open} without a picture will be asked again later.` : 'Thank you. That was the last one.';
    this.thanks.focus();
    this.say(this.thanks.textContent);
  }

  #showQuestion({ image, category, said, problem }) {
    this.article.textContent = /^[aeiou]/i.test(category.name) ? 'an ' : 'a ';
    this.name.textContent = category.name;
    this.about.replaceChildren(...about(category));
    this.buttons.forEach((choice) => choice.setAttribute('aria-pressed', String(choice.dataset.state === said)));
    this.#usable(false);
    this.problem.hidden = true;
    this.goOn.hidden = true;
    this.image.hidden = false;
    this.image.src = picture(1280, image);
    if (problem) this.#fail(problem);
    this.ask.focus({ preventScroll: true }); // a screen reader reads the question
  }

  #loaded() {
    if (!this.question || !this.problem.hidden) return;
    this.#usable(true);
    this.since = performance.now();
    this.element.dataset.ready = 'true';
  }

  #usable(can) { for (const choice of this.buttons) choice.setAttribute('aria-disabled', String(!can)); }

  async #broken() {
    const { question } = this;
    if (!question || !this.problem.hidden) return;
    const reason = await whyNot(this.image.src);
    if (this.question === question) this.#fail(reason);
  }

  // Nobody answers about a picture they have not seen.
  #fail(reason) {
    this.image.hidden = true;
    this.problem.textContent = reason;
    this.problem.hidden = false;
    this.goOn.hidden = false;
  }

  #answer(state) {
    const { question, element } = this;
    if (!question || element.dataset.ready !== 'true' || element.dataset.calm !== 'true') return;
    if (question.said !== state) {
      question.said = state;
      this.onAnswer(question, state, Math.round(performance.now() - this.since));
      this.say(SAID[state]);
    }
    this.#step();
  }

  #step() {
    this.at += 1;
    this.#show();
  }

  #back() {
    if (!this.at) return;
    this.at -= 1;
    this.#show();
  }

  #close(isDone) {
    this.element.close();
    this.image.removeAttribute('src');
    this.resolve(isDone || !this.question);
  }

  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    const act = this.#actOf(event);
    if (!act) return;
    event.preventDefault();
    event.stopPropagation();
    if (!event.repeat) act();
  }

  #actOf(event) {
    const state = STATES[digitOf(event)] ?? ARROWS[event.key];
    if (state) return () => this.#answer(state);
    if (event.key === 'Backspace') return () => this.#back();
    if (event.key === 'Escape') return () => this.#close(false);
    if (event.key !== 'Enter' || event.target.closest('button')) return null;
    if (!this.question) return () => this.#close(true);
    return this.goOn.hidden ? null : () => this.#step();
  }
}

// What a category means: the same for every picture, so no hint about this one.
function about({ description, supercategory, examples }) {
  const lines = [];
  if (supercategory) lines.push(h('p', { class: 'pb-group', dir: 'auto', text: supercategory }));
  if (description) lines.push(h('p', { dir: 'auto', text: description }));
  if (examples.length) {
    lines.push(h('div', { class: 'pb-examples', role: 'group', 'aria-label': 'Examples' },
      h('small', { text: 'Pictures that show what is meant:' }),
      ...examples.map((id) => h('img', { src: picture(256, id), alt: '', loading: 'lazy' }))));
  }
  return lines;
}

async function whyNot(address) {
  try {
    const said = await fetch(address);
    if (said.status === 404) return await said.text();
  } catch {
    // Said below.
  }
  return 'This picture cannot be shown just now.';
}
