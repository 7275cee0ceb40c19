// The tools on a large image: brightness and contrast, the whole screen, what is known of it, what is like it.

import { h } from './dom.js';
import { FullScreen } from './full_screen.js';
import { ImageAdjustment } from './image_adjustment.js';
import { ImageInformation } from './image_information.js';
import { similarAddress } from './similar_images.js';

/** @import { Server } from './server.js' */

const SVG = 'http://www.w3.org/2000/svg';
const ICONS = {
  bookmark: 'M12 3.5l2.6 5.4 5.9.8-4.3 4.1 1 5.9-5.2-2.8-5.2 2.8 1-5.9L3.5 9.7l5.9-.8z',
  information: 'M12 3a9 9 0 1 0 0 18a9 9 0 1 0 0-18M12 11v6M12 7.2v.6',
  similar: 'M4 4h11v11H4zM8 19v1h12V9h-1',
  adjust: 'M12 3a9 9 0 1 0 0 18a9 9 0 1 0 0-18M12 3v18M12 7h6.4M12 12h8.6M12 17h6.4',
  fullScreen: 'M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5',
};

/** @typedef {keyof typeof ICONS} Icon */
/** @typedef {{ icon: Icon, text: string, key: string, act: () => void, isOn?: () => boolean }} Tool */

export class ImageTools {
  /**
   * @param {HTMLElement} root
   * @param {Server} server
   * @param {{ image: () => number | null, onSize?: () => void, keys: Partial<Record<Icon, string>>, isFree?: (letter: string) => boolean, more?: Tool[] }} page
   *   `image`: the one that is shown; `onSize`: it has another size, without it there is no full
   *   screen; `keys`: of the page; `isFree`: whether a letter is the page's own, else it is not shown
   */
  constructor(root, server, { image, onSize, keys, isFree = () => true, more = [] }) {
    this.isFree = isFree;
    this.adjustment = new ImageAdjustment(root, { onChange: () => this.draw() });
    this.information = new ImageInformation(server);
    this.screen = new FullScreen(root, { onChange: () => { this.draw(); onSize?.(); } });
    /** @type {Tool[]} */
    const tools = [...more,
      { icon: 'information', text: 'About this image', key: keys.information ?? '', act: () => this.#tell(image()) },
      { icon: 'similar', text: 'More like this, on the Images page', key: keys.similar ?? '', act: () => goToSimilar(image()) },
      { icon: 'adjust', text: 'Brightness and contrast', key: keys.adjust ?? '', act: () => this.adjustment.toggle(), isOn: () => !this.adjustment.isUsual || this.adjustment.isOpen },
      { icon: 'fullScreen', text: 'Full screen', key: keys.fullScreen ?? '', act: () => this.screen.toggle(), isOn: () => this.screen.isOn }];
    this.tools = tools.filter(({ icon }) => icon !== 'fullScreen' || onSize).map((tool) => ({ ...tool, element: toolButton(tool) }));
    this.element = h('div', { class: 'an-tools', role: 'toolbar', 'aria-label': 'Image' }, ...this.tools.map(({ element }) => element));
    this.draw();
  }

  /** @returns {Partial<Record<Icon, () => void>>} */
  get commands() { return Object.fromEntries(this.tools.map(({ icon, act }) => [icon, act])); }

  // On the box with the image; the dialog of `information` goes where the page's dialogs are.
  /** @param {HTMLElement} stage */
  mount(stage) { stage.append(this.element, this.adjustment.sign, this.adjustment.element); }

  /** @param {number | null} image */
  #tell(image) { if (image !== null) this.information.open(image); }

  // Esc closes one thing after the other. True if something was open.
  close() { return this.adjustment.close() || this.screen.leave(); }

  draw() {
    for (const { text, key, element, isOn } of this.tools ?? []) {
      element.title = key && this.isFree(key) ? `${text} (${key.toUpperCase()})` : text;
      if (isOn) element.setAttribute('aria-pressed', String(isOn()));
    }
  }
}

/** @param {number | null} image */
function goToSimilar(image) { if (image !== null) location.assign(similarAddress(image)); }

/** @param {Tool} tool */
function toolButton({ icon, text, act }) {
  const element = h('button', { class: `an-tool an-tool-${icon}`, type: 'button', 'aria-label': text });
  const [svg, path] = ['svg', 'path'].map((name) => document.createElementNS(SVG, name));
  for (const [name, value] of [['viewBox', '0 0 24 24'], ['aria-hidden', 'true']]) svg.setAttribute(name, value);
  path.setAttribute('d', ICONS[icon]);
  svg.append(path);
  element.append(svg);
  element.addEventListener('click', () => {
    element.blur(); // so that Enter and Space stay keys of the page
    act();
  });
  return element;
}
