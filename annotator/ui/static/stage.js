// The picture, and what is said over it: a problem, a banner, a passing notice.

import { h, picture } from './dom.js';

const NOTICE_MS = 6000;

export class Stage {
  constructor({ onBanner }) {
    this.image = h('img', { class: 'an-image', alt: '', draggable: 'false', hidden: true });
    this.problem = h('div', { class: 'an-problem', role: 'status', hidden: true });
    this.banner = h('button', { class: 'an-banner', type: 'button', hidden: true, onclick: onBanner });
    this.notice = h('div', { class: 'an-notice', role: 'status', hidden: true });
    this.element = h('div', { class: 'an-stage' }, this.image, this.problem, this.banner, this.notice);
    this.image.addEventListener('error', () => this.#broken());
  }

  show({ id, data }) {
    this.tried = 0;
    this.image.style.backgroundImage = `url("${picture(256, id)}")`; // at once, until the large one is there
    this.image.src = picture(1280, id);
    this.image.alt = data.name;
    this.image.hidden = false;
    this.problem.hidden = true;
    if (data.problem) this.fail(`${data.problem} Skip it with Enter.`);
  }

  // A server that is away for a moment looks like a broken picture, so it is asked once more.
  #broken() {
    if (!this.problem.hidden || !this.image.getAttribute('src')) return;
    const { src } = this.image;
    this.tried += 1;
    if (this.tried < 3) setTimeout(() => { if (this.image.src === src) this.image.src = src; }, 1500 * this.tried);
    else this.fail('This picture cannot be shown. Skip it with Enter.');
  }

  fail(text) {
    this.image.hidden = true;
    this.problem.textContent = text;
    this.problem.hidden = false;
  }

  tell(text) {
    this.notice.textContent = text;
    this.notice.hidden = false;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => { this.notice.hidden = true; }, NOTICE_MS);
  }

  announce(number) {
    this.banner.replaceChildren(`Version ${number} is ready: used from the next image on `, h('kbd', { text: 'M' }), ' now');
    this.banner.hidden = false;
  }

  settle() { this.banner.hidden = true; }
}
