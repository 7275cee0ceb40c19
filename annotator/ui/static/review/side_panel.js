// Beside the list: the picture in large, what else is on it, and who said what about the pair.

import { h, picture } from '../shared/dom.js';

const MARKS = { present: '✓', absent: '✕', unsure: '?', cleared: '–' };
const WAIT_MS = 120; // moving on quickly asks for nothing

export class Side {
  constructor(server, { onResolve }) {
    Object.assign(this, { server, onResolve, names: new Map(), isOpen: innerWidth > 900 });
    this.image = h('img', { class: 'an-image', alt: '', draggable: 'false', hidden: true });
    this.problem = h('div', { class: 'an-problem', role: 'status', hidden: true });
    this.image.addEventListener('error', () => this.#broken());
    this.title = h('h2', { class: 'rv-head', dir: 'auto' });
    this.file = h('div', { class: 'rv-file' });
    this.flags = h('div', { class: 'rv-flags' });
    this.others = h('div', { class: 'rv-others' });
    this.told = h('ol', { class: 'rv-told', 'aria-label': 'History of the pair' });
    this.history = h('section', { class: 'rv-history', 'aria-label': 'History' }, h('h3', { text: 'Who said what' }), this.told);
    this.element = h('aside', { class: 'rv-side', 'aria-label': 'The pair in focus' },
      h('div', { class: 'an-stage' }, this.image, this.problem), h('div', { class: 'rv-about' }, this.title, this.file, this.flags, this.others, this.history));
  }

  know(categories) { this.names = new Map(categories.map(({ id, name }) => [String(id), name])); }

  toggle() {
    this.isOpen = !this.isOpen;
    this.history.hidden = !this.isOpen;
    if (this.pair) this.show(this.pair);
    return this.isOpen;
  }

  show(pair) {
    this.pair = pair;
    this.element.classList.toggle('rv-none', !pair);
    this.history.hidden = !this.isOpen || !pair?.isPair;
    if (!pair) return;
    this.draw();
    if (this.image.dataset.id !== String(pair.row.image)) this.#picture(pair.row);
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.look(), WAIT_MS);
  }

  draw() {
    const { pair } = this;
    if (!pair) return;
    this.title.textContent = pair.isPair ? pair.categoryName : 'Flagged image';
    this.file.textContent = [pair.row.name, pair.says].filter(Boolean).join(' · ');
    this.flags.replaceChildren(...pair.row.flags.map((flag) => h('div', { class: 'rv-note' },
      h('span', { text: `⚑ ${flag.by}${flag.note ? `: ${flag.note}` : ''}`, dir: 'auto' }),
      h('button', { class: 'an-btn', type: 'button', text: 'Done', 'aria-label': `Take off the flag of ${flag.by}`, onclick: () => this.onResolve(flag.id) }))));
  }

  #picture({ image, name }) {
    Object.assign(this.image.dataset, { id: image });
    this.image.style.backgroundImage = `url("${picture(256, image)}")`; // at once, until the large one is there
    this.image.src = picture(1280, image);
    this.image.alt = name;
    this.image.hidden = false;
    this.problem.hidden = true;
  }

  #broken() {
    this.image.hidden = true;
    this.problem.textContent = 'This picture cannot be shown, so it takes no answers.';
    this.problem.hidden = false;
  }

  // What only the server knows about the pair; called again when an answer is saved.
  async look() {
    const { pair } = this;
    if (!pair) return;
    const { image, category } = pair.row;
    const wanted = this.isOpen && pair.isPair;
    const [items, history] = await Promise.all([
      this.server.call('items', { image }), wanted ? this.server.call('history', { image, category }) : { ok: false }]);
    if (this.pair !== pair) return;
    if (items.ok && items.items.length) this.#others(items.items[0], String(category));
    if (history.ok) this.told.replaceChildren(...history.answers.map(entry));
  }

  #others({ labels }, own) {
    const known = Object.entries(labels).filter(([id, label]) => label && id !== own && this.names.has(id));
    const present = known.filter(([, { state }]) => state === 'present');
    const absent = known.filter(([, { state }]) => state === 'absent').length;
    const chips = present.map(([id]) => h('span', { class: 'rv-chip', text: this.names.get(id), dir: 'auto' }));
    const rest = absent ? [h('span', { class: 'rv-file', text: `${absent} absent` })] : [];
    this.others.replaceChildren(h('span', { class: 'rv-file', text: known.length ? 'Also here:' : 'Nothing else is answered here.' }), ...chips, ...rest);
  }
}

const ago = (iso) => new Date(iso).toLocaleString([], { dateStyle: 'medium', timeStyle: 'short' });

function entry({ text, remark, at, state, stands, undone, late }) {
  const more = [ago(at), stands ? 'this is the label' : '', remark, undone ? `(${ago(undone)})` : ''].filter(Boolean).join(' · ');
  return h('li', { class: 'rv-answer', 'data-state': state, 'data-gone': Boolean(remark || undone || late) },
    h('span', { class: 'an-mark', text: MARKS[state], 'aria-hidden': 'true' }),
    h('div', {}, h('div', { text, dir: 'auto' }), h('div', { class: 'rv-file', text: more })));
}
