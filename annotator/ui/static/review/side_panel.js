// Beside the list: the image in large, what else is on it, and who answered what about the pair.

import { keepAsking, showSmall, turnTo } from '../shared/awaited_image.js';
import { h, imageUrl } from '../shared/dom.js';
import { ImageTools } from '../shared/image_tools.js';

/** @import { Category, HistorySentence, Label } from '../shared/wire.d.ts' */
/** @import { Server } from '../shared/server.js' */
/** @import { Pair } from './pair.js' */

const MARKS = { present: '✓', absent: '✕', unsure: '?', cleared: '–' };
const WAIT_MS = 120; // moving on quickly asks for nothing

export class SidePanel {
  /** @param {HTMLElement} root @param {Server} server @param {{ onResolve: (flag: number) => void }} listeners */
  constructor(root, server, { onResolve }) {
    this.server = server;
    this.onResolve = onResolve;
    /** @type {Map<string, string>} */
    this.names = new Map();
    /** @type {Pair | null} */
    this.pair = null;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.timer = undefined;
    this.isOpen = innerWidth > 900; // the history
    this.image = h('img', { class: 'an-image', alt: '', draggable: 'false', hidden: true });
    this.problem = h('div', { class: 'an-problem', role: 'status', hidden: true });
    keepAsking(this.image, { onMissing: () => this.#broken() });
    this.title = h('h2', { class: 'rv-head', dir: 'auto' });
    this.file = h('div', { class: 'rv-file' });
    this.flags = h('div', { class: 'rv-flags' });
    this.others = h('div', { class: 'rv-others' });
    this.answers = h('ol', { class: 'rv-told', 'aria-label': 'History of the pair' });
    this.history = h('section', { class: 'rv-history', 'aria-label': 'History' }, h('h3', { text: 'Who answered what' }), this.answers);
    const stage = h('div', { class: 'an-stage' }, this.image, this.problem);
    this.tools = new ImageTools(root, server, { image: () => this.pair?.row.image ?? null, keys: {} });
    this.tools.mount(stage);
    this.element = h('aside', { class: 'rv-side', 'aria-label': 'The pair in focus' },
      stage, h('div', { class: 'rv-about' }, this.title, this.file, this.flags, this.others, this.history));
  }

  /** @param {Category[]} categories */
  use(categories) { this.names = new Map(categories.map(({ id, name }) => [String(id), name])); }

  toggleHistory() {
    this.isOpen = !this.isOpen;
    this.history.hidden = !this.isOpen;
    if (this.pair) this.show(this.pair);
    return this.isOpen;
  }

  /** @param {Pair | null} pair */
  show(pair) {
    this.pair = pair;
    this.element.classList.toggle('rv-none', !pair);
    this.history.hidden = !this.isOpen || !pair?.isPair;
    if (!pair) return;
    this.draw();
    if (this.image.dataset.id !== String(pair.row.image)) this.#showImage(pair);
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.update(), WAIT_MS);
  }

  draw() {
    const { pair } = this;
    if (!pair) return;
    this.title.textContent = pair.isPair ? pair.categoryName : 'Flagged image';
    this.file.textContent = [pair.row.name, pair.scoreText].filter(Boolean).join(' · ');
    this.flags.replaceChildren(...pair.row.flags.map((flag) => h('div', { class: 'rv-note' },
      h('span', { text: `⚑ ${flag.by}${flag.note ? `: ${flag.note}` : ''}`, dir: 'auto' }),
      h('button', { class: 'an-btn', type: 'button', text: 'Resolve', 'aria-label': `Resolve the flag of ${flag.by}`, onclick: () => this.onResolve(flag.id) }))));
  }

  /** @param {Pair} pair */
  #showImage({ row: { image, name } }) {
    this.image.dataset.id = String(image);
    turnTo(this.image, imageUrl(1280, image));
    if (!this.image.complete) showSmall(this.image, imageUrl(256, image));
    this.image.alt = name;
    this.image.hidden = false;
    this.problem.hidden = true;
  }

  #broken() {
    this.image.hidden = true;
    this.problem.textContent = 'This image cannot be shown, so it takes no answers.';
    this.problem.hidden = false;
  }

  // What only the server knows about the pair; called again when an answer is saved.
  async update() {
    const { pair } = this;
    if (!pair) return;
    const { image, category } = pair.row;
    const [items, history] = await Promise.all([
      this.server.call('items', { image }), this.isOpen && category !== null ? this.server.call('history', { image, category }) : null]);
    if (this.pair !== pair) return;
    if (items.ok && items.items.length) this.#drawOthers(items.items[0].labels, String(category));
    if (history?.ok) this.answers.replaceChildren(.../** @type {HistorySentence[]} */ (history.answers).map(answerLine));
  }

  /** @param {Record<string, Label>} labels @param {string} own category id */
  #drawOthers(labels, own) {
    const known = Object.entries(labels).filter(([id, label]) => label && id !== own && this.names.has(id));
    const present = known.filter(([, { state }]) => state === 'present');
    const absent = known.filter(([, { state }]) => state === 'absent').length;
    const chips = present.map(([id]) => h('span', { class: 'rv-chip', text: this.names.get(id), dir: 'auto' }));
    const rest = absent ? [h('span', { class: 'rv-file', text: `${absent} absent` })] : [];
    this.others.replaceChildren(h('span', { class: 'rv-file', text: known.length ? 'Also in this image:' : 'No other category is answered in this image.' }), ...chips, ...rest);
  }
}

/** @param {string} iso */
const when = (iso) => new Date(iso).toLocaleString([], { dateStyle: 'medium', timeStyle: 'short' });

/** @param {HistorySentence} answer */
function answerLine({ text, remark, at, state, stands, undone, late }) {
  const more = [when(at), stands ? 'this is the label' : '', remark, undone ? `(${when(undone)})` : ''].filter(Boolean).join(' · ');
  return h('li', { class: 'rv-answer', 'data-state': state, 'data-gone': Boolean(remark || undone || late) },
    h('span', { class: 'an-mark', text: MARKS[state], 'aria-hidden': 'true' }),
    h('div', {}, h('div', { text, dir: 'auto' }), h('div', { class: 'rv-file', text: more })));
}
