// Ten probes, one at a time, over everything else: no score, no label, no hint of either.

import { keepAsking, turnTo } from '../shared/awaited_image.js';
import { button, h, imageUrl } from '../shared/dom.js';
import { digitOf, letterOf } from '../shared/keyboard.js';

/** @import { ProbeCategory, ProbeQuestion } from '../shared/wire.d.ts' */

/** @typedef {ProbeQuestion} Question with `said` as the person goes along */
/** @typedef {'present' | 'absent' | 'unsure'} Said */
/** @typedef {'done' | 'more' | 'later' | 'today'} End gone through, and another card is wanted; put off, and for the whole day */

/** @type {{ state: Said, text: string, arrow: string }[]} */
const CHOICES = [
  { state: 'present', text: 'Yes', arrow: '→' }, { state: 'absent', text: 'No', arrow: '←' }, { state: 'unsure', text: 'Cannot tell', arrow: '↓' },
];
/** @type {Record<string, Said | undefined>} */
const ARROWS = { ArrowRight: 'present', ArrowLeft: 'absent', ArrowDown: 'unsure' };
const CALM_MS = 500; // a key that was meant for the page below is no answer

export class ProbeCard {
  /**
   * @param {{ onAnswer: (question: Question, state: Said, ms: number) => void, say: (text: string) => void }} listeners
   *   `onAnswer`: as often as somebody changes their mind; `say`: for screen readers
   */
  constructor({ onAnswer, say }) {
    this.onAnswer = onAnswer;
    this.say = say;
    /** @type {Question[]} */
    this.questions = [];
    this.at = 0;
    this.since = 0;
    this.unsent = 0;
    this.isBetweenImages = false;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.timer = undefined;
    this.resolve = (/** @type {End} */ _end) => {};
    this.count = h('b', {});
    this.dots = h('ol', { class: 'pb-dots', 'aria-hidden': 'true' });
    this.image = h('img', { class: 'pb-image', alt: 'the image in question', draggable: 'false' });
    this.problem = h('p', { class: 'pb-problem', role: 'alert', hidden: true });
    this.name = h('strong', { dir: 'auto' });
    this.about = h('div', { class: 'pb-about' });
    this.article = h('span', {});
    this.ask = h('h2', { class: 'pb-ask', tabindex: '-1' }, 'Is there ', this.article, this.name, ' in this image?');
    this.buttons = CHOICES.map((choice, place) => this.#choice(choice, place));
    this.back = button('Back', '⌫', () => this.#back());
    this.later = button('Later', 'Esc', () => this.#close('later'));
    this.notToday = button('Not today', 'N', () => this.#close('today'));
    this.skip = button('Skip this one', '⏎', () => this.#step(), 'primary');
    this.asking = h('div', { class: 'pb-asking' }, h('div', { class: 'pb-stage' }, this.image, this.problem),
      h('div', { class: 'pb-side' }, this.ask, this.about,
        h('div', { class: 'pb-choices', role: 'group', 'aria-label': 'Your answer' }, ...this.buttons), this.skip));
    this.more = button('Another ten', '⏎', () => this.#close('more'), 'primary');
    this.toLabel = h('a', { class: 'an-btn', href: './' }, h('span', { class: 'an-label', text: 'Back to Label' }), h('kbd', { text: 'L', 'aria-hidden': 'true' }));
    this.leave = button('Close', 'Esc', () => this.#close('done'));
    this.goOn = button('Back to labelling', '⏎', () => this.#close('done'), 'primary');
    this.thanks = h('h2', { tabindex: '-1' });
    this.done = h('div', { class: 'pb-done', hidden: true }, this.thanks, h('p', { text: 'You can still change the last answer: press ⌫.' }),
      h('div', { class: 'an-bar' }, this.more, this.toLabel, this.leave, this.goOn));
    this.element = this.#build();
    this.image.addEventListener('load', () => this.#loaded());
    keepAsking(this.image, {
      onMissing: (reason) => this.#fail(reason), onWait: () => this.#fail('The image cannot be loaded right now; it comes by itself as soon as it can be.'),
    });
  }

  #build() {
    const element = h('dialog', { class: 'an-dialog pb-card', 'aria-label': 'Probe' },
      h('header', { class: 'pb-head' }, this.count, this.dots, h('span', { class: 'an-grow' }), this.back, this.notToday, this.later),
      this.asking, this.done,
      h('p', { class: 'pb-why', text: 'Probes are randomly drawn questions that are asked without the model’s opinion. They measure how far it can be trusted; it does not learn from them.' }));
    element.addEventListener('keydown', (event) => this.#key(event));
    element.addEventListener('cancel', (event) => {
      event.preventDefault();
      this.#leave();
    });
    return element;
  }

  /** @param {{ state: Said, text: string, arrow: string }} choice @param {number} place */
  #choice({ state, text, arrow }, place) {
    const element = h('button', { class: 'an-btn pb-choice', type: 'button', 'data-state': state },
      h('kbd', { text: place + 1, 'aria-hidden': 'true' }), h('span', { text }), h('kbd', { text: arrow, 'aria-hidden': 'true' }));
    element.addEventListener('click', () => this.#answer(state));
    return element;
  }

  // Resolves when it is closed.
  /** @param {Question[]} questions @param {boolean} isBetweenImages it came by itself while somebody labels @returns {Promise<End>} */
  open(questions, isBetweenImages) {
    this.questions = questions;
    const first = questions.findIndex(({ said }) => !said);
    this.at = first < 0 ? questions.length : first;
    this.isBetweenImages = isBetweenImages;
    for (const way of [this.more, this.toLabel, this.leave]) way.hidden = isBetweenImages;
    this.goOn.hidden = !isBetweenImages;
    this.#calmDown();
    this.dots.replaceChildren(...questions.map(() => h('li', {})));
    for (const { image } of questions) new Image().src = imageUrl(1280, image); // there before it is asked about
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

  /** @returns {Question | undefined} */
  get question() { return this.questions[this.at]; }

  #show() {
    const { question, questions, at } = this;
    this.asking.hidden = !question;
    this.done.hidden = Boolean(question);
    this.back.disabled = at === 0;
    this.later.hidden = !question;
    this.notToday.hidden = !question || !this.isBetweenImages;
    this.count.textContent = question ? `Probe ${at + 1} of ${questions.length}` : 'Probes: done';
    this.dots.querySelectorAll('li').forEach((dot, place) => Object.assign(dot.dataset, { said: Boolean(questions[place].said), now: place === at }));
    this.element.dataset.ready = 'false';
    if (question) this.#showQuestion(question);
    else this.#showDone();
  }

  #showDone() {
    this.thanks.textContent = '';
    this.#sayThanks();
    this.thanks.focus();
  }

  #sayThanks() {
    const { unsent } = this;
    const open = this.questions.filter(({ said }) => !said).length;
    const rest = open ? `${open} without an image will be asked again later.` : 'That was the last one of this card.';
    const text = unsent ? `The server does not answer: ${unsent} of your answers ${unsent === 1 ? 'is' : 'are'} kept in this browser and sent when it does.` : `Thank you. ${rest}`;
    if (this.thanks.textContent === text) return;
    this.thanks.textContent = text;
    this.say(text);
  }

  // So many answers could not be sent yet.
  /** @param {number} count */
  showUnsent(count) {
    this.unsent = count;
    if (this.element.open && !this.question) this.#sayThanks();
  }

  /** @param {Question} question */
  #showQuestion({ image, category, said, problem }) {
    this.article.textContent = /^[aeiou]/i.test(category.name) ? 'an ' : 'a ';
    this.name.textContent = category.name;
    this.about.replaceChildren(...about(category));
    this.buttons.forEach((choice) => choice.setAttribute('aria-pressed', String(choice.dataset.state === said)));
    this.#usable(false);
    this.problem.hidden = true;
    this.skip.hidden = true;
    this.image.hidden = false;
    turnTo(this.image, imageUrl(1280, image));
    if (problem) this.#fail(problem);
    this.ask.focus({ preventScroll: true }); // a screen reader reads the question
  }

  #loaded() {
    if (!this.question || this.question.problem) return;
    this.image.hidden = false;
    this.problem.hidden = true;
    this.skip.hidden = true;
    this.#usable(true);
    this.since = performance.now();
    this.element.dataset.ready = 'true';
  }

  /** @param {boolean} can */
  #usable(can) { for (const choice of this.buttons) choice.setAttribute('aria-disabled', String(!can)); }

  // Nobody answers about an image they have not seen.
  /** @param {string} reason */
  #fail(reason) {
    if (!this.question) return;
    this.image.hidden = true;
    this.problem.textContent = reason;
    this.problem.hidden = false;
    this.skip.hidden = false;
  }

  /** @param {Said} state */
  #answer(state) {
    const { question, element } = this;
    if (!question || element.dataset.ready !== 'true' || element.dataset.calm !== 'true') return;
    if (question.said !== state) {
      question.said = state;
      this.onAnswer(question, state, Math.round(performance.now() - this.since));
      this.say(CHOICES.find((choice) => choice.state === state)?.text ?? '');
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

  #leave() { this.#close(this.question ? 'later' : 'done'); }

  /** @param {End} end */
  #close(end) {
    this.element.close();
    this.image.removeAttribute('src');
    this.resolve(end);
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    const act = this.#actOf(event);
    if (!act) return;
    event.preventDefault();
    event.stopPropagation();
    if (!event.repeat) act();
  }

  /** @param {KeyboardEvent} event */
  #actOf(event) {
    const state = CHOICES[digitOf(event)]?.state ?? ARROWS[event.key];
    if (state) return () => this.#answer(state);
    if (event.key === 'Backspace') return () => this.#back();
    if (event.key === 'Escape') return () => this.#leave();
    const way = { n: this.notToday, l: this.question ? null : this.toLabel }[letterOf(event)];
    if (way && !way.hidden) return () => way.click();
    if (event.key !== 'Enter' || (event.target instanceof Element && event.target.closest('button'))) return null;
    if (!this.question) return () => this.#close(this.isBetweenImages ? 'done' : 'more');
    return this.skip.hidden ? null : () => this.#step();
  }
}

// What a category means: the same for every image, so no hint about this one.
/** @param {ProbeCategory} category */
function about({ description, supercategory, examples }) {
  const lines = [];
  if (supercategory) lines.push(h('p', { class: 'pb-group', dir: 'auto', text: supercategory }));
  if (description) lines.push(h('p', { dir: 'auto', text: description }));
  if (examples.length) {
    lines.push(h('div', { class: 'pb-examples', role: 'group', 'aria-label': 'Examples' },
      h('small', { text: 'Images that show what is meant:' }),
      ...examples.map((id) => h('img', { src: imageUrl(256, id), alt: '', loading: 'lazy' }))));
  }
  return lines;
}
