// The picture, and what is said over it: a problem, a banner, flags, a passing notice.

import { h, picture } from '../shared/dom.js';
import { Zoom } from '../shared/zoom.js';

const NOTICE_MS = 6000;
const RETRY_MS = 1500;

export class Stage {
  // `onBroken(reason)`: the picture on the screen cannot be shown.
  constructor({ onBanner, onFlag, onBroken }) {
    this.onBroken = onBroken;
    this.image = h('img', { class: 'an-image', alt: '', draggable: 'false', hidden: true });
    this.view = h('div', { class: 'an-view' }, this.image);
    this.problem = h('div', { class: 'an-problem', role: 'status', hidden: true });
    this.banner = h('button', { class: 'an-banner', type: 'button', hidden: true, onclick: onBanner });
    this.flag = h('button', { class: 'an-flag', type: 'button', hidden: true, onclick: () => { onFlag(); this.flag.blur(); } });
    this.clash = h('div', { class: 'an-clash', role: 'status', hidden: true });
    this.typed = h('div', { class: 'an-typed', role: 'status', hidden: true });
    this.notice = h('div', { class: 'an-notice', role: 'status', hidden: true });
    this.element = h('div', { class: 'an-stage' }, this.view, this.problem, this.flag, this.clash, this.banner, this.typed, this.notice);
    this.zoom = new Zoom(this.element, this.view, { onCloser: () => this.#load(2560) });
    this.image.addEventListener('error', () => this.#broken());
  }

  show({ id, data }) {
    Object.assign(this, { id, tried: 0 });
    this.zoom.reset(data);
    this.image.style.backgroundImage = `url("${picture(256, id)}")`; // at once, until the large one is there
    this.image.src = picture(1280, id);
    this.image.alt = data.name;
    this.image.hidden = false;
    this.problem.hidden = true;
    if (data.problem) this.fail(`${data.problem} Skip it with P.`);
  }

  // More pixels of the same picture take its place when they are there.
  #load(width) {
    const { id } = this;
    const larger = new Image();
    larger.src = picture(width, id);
    larger.decode().then(() => { if (this.id === id) this.image.src = larger.src; }, () => {}); // the smaller one stays
  }

  // The server says why there is no picture; one that is away for a moment is asked again.
  async #broken() {
    const { id, image } = this;
    const { src } = image;
    if (!this.problem.hidden || !image.getAttribute('src')) return;
    this.tried += 1;
    const reason = await whyNot(src);
    if (this.id !== id || !this.problem.hidden) return;
    if (reason || this.tried > 3) {
      this.fail(`${reason || 'This picture cannot be shown.'} Skip it with P.`);
      if (reason) this.onBroken(reason);
    } else setTimeout(() => { if (image.src === src) image.src = src; }, RETRY_MS * this.tried);
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

  showFlags(flags) {
    const words = flags.map(({ by, note }) => note || `flagged by ${by}`).join(' · ');
    this.flag.hidden = !flags.length;
    this.flag.replaceChildren(h('span', { 'aria-hidden': 'true', text: '⚑' }), h('span', { text: words, dir: 'auto' }));
    this.flag.title = flags.map(({ by, note }) => `${by}: ${note}`).join('\n');
  }

  showClash(text) {
    if (this.clash.textContent !== text) this.clash.textContent = text;
    this.clash.hidden = !text;
  }
}

// The server's reason why a picture cannot be had, empty if it does not answer.
async function whyNot(address) {
  try {
    const said = await fetch(address);
    return said.status === 404 ? await said.text() : '';
  } catch {
    return '';
  }
}
