// What is known of an image beside its labels: size, files, and what the camera wrote into them.

import { dialog, formatNumber, h } from './dom.js';
import { letterOf } from './keyboard.js';

/** @import { CameraData, ImageInformation as Known } from './wire.d.ts' */
/** @import { Server } from './server.js' */

const COPIED_MS = 1500;

export class ImageInformation {
  /** @param {Server} server */
  constructor(server) {
    this.server = server;
    /** @type {number | null} */
    this.image = null;
    this.list = h('dl', { class: 'an-about' });
    this.said = h('p', { class: 'an-wrong', role: 'status' });
    this.leave = h('button', { class: 'an-btn primary', text: 'Close' });
    this.element = dialog('About this image', this.list, this.said, h('form', { method: 'dialog' }, this.leave));
    this.element.addEventListener('keydown', (event) => {
      if (letterOf(event) !== 'i' || event.ctrlKey || event.metaKey || event.altKey) return;
      event.stopPropagation(); // the page would open it again
      this.element.close();
    });
  }

  /** @param {number} image */
  async open(image) {
    this.image = image;
    this.list.replaceChildren();
    this.said.textContent = 'loading ...';
    this.element.showModal();
    await this.#load(image, false);
  }

  /** @param {number} image @param {boolean} position */
  async #load(image, position) {
    const reply = await this.server.call('image_information', { image, position });
    if (this.image !== image) return;
    if (reply.ok) this.#draw(reply);
    else this.said.textContent = reply.message ?? 'The server does not answer; try again in a moment.';
  }

  /** @param {Known} known */
  #draw(known) {
    const { width, height, format, files, problem, camera } = known;
    const [first, ...others] = files;
    const rows = [
      ['Name', copyable(known.name)],
      ['Number', [formatNumber(known.number)]],
      ['Size', [`${formatNumber(width)} × ${formatNumber(height)} pixels, ${megapixels(width * height)}`]],
      ['File', [[format, first && bytes(first.bytes)].filter(Boolean).join(', ')]],
      ['Last changed', first?.modified ? [when(first.modified)] : []],
      ['Folder', first ? copyable(first.folder) : []],
      ...this.#camera(camera),
      ['Also as', others.map(({ name }) => h('div', { text: name, dir: 'auto' }))],
    ];
    this.list.replaceChildren(...rows.flatMap(([term, about]) => (about.length
      ? [h('dt', { text: String(term) }), h('dd', { dir: 'auto' }, .../** @type {(Node | string)[]} */ (about))] : [])));
    this.said.textContent = problem;
    this.leave.focus(); // what had the focus may have gone, and with it the keys of the dialog
  }

  /** @param {CameraData} camera @returns {[string, (Node | string)[]][]} */
  #camera({ camera, lens, taken, exposure, orientation, has_position: hasPosition, position }) {
    const show = h('button', { class: 'an-btn', type: 'button', text: 'Show it', onclick: () => this.image !== null && this.#load(this.image, true) });
    const place = position ? copyable(position.map((degrees) => degrees.toFixed(5)).join(', ')) : ['the file has a GPS position ', show];
    const facts = /** @type {[string, (Node | string)[]][]} */ (Object.entries({
      Camera: camera, Lens: lens, Taken: taken && `${taken} by the camera's clock`, Exposure: exposure,
      Orientation: orientation && `${orientation} in the file, shown upright`,
    }).filter(([, text]) => text).map(([term, text]) => [term, [text]]));
    if (hasPosition) facts.push(['Place', place]);
    return facts.length ? facts : [['Camera', ['nothing in the file']]];
  }
}

/** @param {number} pixels */
const megapixels = (pixels) => `${(pixels / 1e6).toLocaleString('en', { maximumFractionDigits: 2 })} megapixel${pixels === 1e6 ? '' : 's'}`;

/** @param {number} size */
const bytes = (size) => (size < 1e6 ? `${formatNumber(Math.ceil(size / 1e3))} KB` : `${(size / 1e6).toLocaleString('en', { maximumFractionDigits: 1 })} MB`);

/** @param {string} iso */
const when = (iso) => new Date(iso).toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'short' });

/** @param {string} text @returns {(Node | string)[]} */
function copyable(text) {
  const shown = h('span', { class: 'an-copied', text });
  const button = h('button', { class: 'an-btn', type: 'button', text: 'Copy', 'aria-label': `Copy ${text}` });
  button.addEventListener('click', async () => {
    button.textContent = await copy(text, shown) ? 'Copied' : 'Press Ctrl+C';
    setTimeout(() => { button.textContent = 'Copy'; }, COPIED_MS);
  });
  return [shown, ' ', button];
}

// False if the person has to press a key for it; the text is selected then.
/** @param {string} text @param {Node} shown */
async function copy(text, shown) {
  try {
    await navigator.clipboard.writeText(text); // there on https and on this machine only
    return true;
  } catch {
    getSelection()?.selectAllChildren(shown);
    return document.execCommand('copy');
  }
}
