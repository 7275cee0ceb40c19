// The category rows of one image: drawn once, restyled in place, never reordered.

import { h, isIn } from './dom.js';

const MARKS = { present: '✓', absent: '✕', unsure: '?', conflict: '≠' };
const WORDS = { present: 'present', absent: 'absent', unsure: 'cannot tell', conflict: 'people disagree', unknown: 'unknown' };
const DIGITS = [...'1234567890'];

export class Row {
  constructor(category, digit, { onPick }) {
    this.category = category;
    this.bar = h('i', { class: 'an-fill' });
    this.mark = h('span', { class: 'an-mark', 'aria-hidden': 'true' });
    this.name = h('span', { class: 'an-name', text: category.name, dir: 'auto' });
    // For mouse and finger; the keyboard has R and Shift with the digit.
    this.not = h('span', { class: 'an-not', 'aria-hidden': 'true', title: 'absent', text: '✕' });
    this.element = h('div', {
      class: 'an-row', role: 'checkbox', tabindex: -1, 'aria-checked': 'mixed', 'data-category': category.id,
    }, this.bar, this.mark, this.name, this.not);
    if (digit) this.element.append(h('kbd', { text: digit, 'aria-hidden': 'true' }));
    if (digit) this.element.setAttribute('aria-keyshortcuts', digit);
    this.element.addEventListener('click', (event) => {
      onPick(this, event.shiftKey || this.not.contains(event.target) ? 'absent' : 'present');
    });
    this.element.addEventListener('contextmenu', (event) => {
      event.preventDefault();
      if (event.pointerType !== 'touch') onPick(this, 'absent');
    });
  }

  draw(pair, focused) {
    const key = JSON.stringify([pair, focused]);
    if (key === this.drawn) return;
    this.drawn = key;
    const { element } = this;
    const suggested = pair.suggested && (pair.state === 'unknown' || pair.state === 'unsure');
    const percent = pair.score == null ? 0 : Math.round(pair.score * 100);
    element.dataset.state = pair.state;
    element.classList.toggle('suggested', suggested);
    element.classList.toggle('ranked', pair.ranked);
    element.classList.toggle('focused', focused);
    element.tabIndex = focused ? 0 : -1;
    element.setAttribute('aria-checked', { present: 'true', absent: 'false' }[pair.state] ?? 'mixed');
    this.bar.style.width = `${percent}%`;
    this.mark.textContent = MARKS[pair.state] ?? (suggested ? '✦' : '');
    const words = this.#words(pair, percent, suggested);
    element.setAttribute('aria-label', words);
    element.title = `${words}\nclick: present · Shift-click or right click: absent`;
  }

  #words(pair, percent, suggested) {
    const parts = [this.category.name, WORDS[pair.state]];
    if (pair.by) parts.push(`by ${pair.by}`);
    if (suggested) parts.push('suggested');
    if (pair.score != null) parts.push(pair.ranked ? 'ranked by likeness only' : `${percent} percent`);
    return parts.join(', ');
  }
}

// The rows of the page: the ten most worth asking on top, then every category in its group.
export class RowList {
  constructor(categories, handlers) {
    this.handlers = handlers;
    this.asking = h('div', { class: 'an-asking', role: 'group', 'aria-label': 'Most worth asking' });
    this.all = h('div', { class: 'an-all', role: 'group', 'aria-label': 'All categories' });
    this.nothing = h('div', { class: 'an-nothing', text: 'No category has this in its name. Esc shows all again.', hidden: true });
    this.box = h('div', { class: 'an-list', role: 'group', 'aria-label': 'Categories' }, this.asking, this.nothing, this.all);
    this.askRows = [];
    this.byId = new Map(categories.map((category) => [category.id, category]));
    this.allRows = this.#buildAll(categories);
  }

  #buildAll(categories) {
    const groups = new Map();
    for (const category of categories) {
      const name = category.supercategory || '';
      if (!groups.has(name)) groups.set(name, []);
      groups.get(name).push(new Row(category, null, this.handlers));
    }
    for (const [name, rows] of groups) {
      const title = name ? [h('div', { class: 'an-group', text: name, 'aria-hidden': 'true', dir: 'auto' })] : [];
      this.all.append(h('div', { class: 'an-section' }, ...title, ...rows.map((row) => row.element)));
    }
    return [...groups.values()].flat();
  }

  // Called once for each image that comes on the screen, and not again while it is there.
  ask(ids) {
    const known = ids.filter((id) => this.byId.has(id)).slice(0, DIGITS.length);
    this.askRows = known.map((id, place) => new Row(this.byId.get(id), DIGITS[place], this.handlers));
    this.asking.replaceChildren(
      h('div', { class: 'an-group', text: 'Most worth asking', 'aria-hidden': 'true' }),
      ...this.askRows.map((row) => row.element),
    );
    this.asking.hidden = !this.askRows.length;
  }

  draw(item, focus) {
    for (const row of [...this.askRows, ...this.allRows]) row.draw(item.pair(row.category.id), row === focus);
  }

  get visible() { return [...this.askRows, ...this.allRows].filter((row) => !row.element.hidden); }

  // Category ids of the list as filtered.
  get listed() { return this.allRows.filter((row) => !row.element.hidden).map((row) => row.category.id); }

  // The listed row that typing `text` most likely means: its name begins with it, or a word in it does.
  bestMatch(text) {
    const wanted = text.trim().toLocaleLowerCase();
    const rank = ({ category: { name } }) => {
      const at = ` ${name.toLocaleLowerCase()}`.indexOf(` ${wanted}`);
      return at < 0 ? 2 : Math.min(at, 1);
    };
    return this.visible.reduce((best, row) => (!best || rank(row) < rank(best) ? row : best), null);
  }

  // Category ids whose row lies wholly in a part of the window.
  categoriesIn(view) {
    return [...new Set(this.visible.filter((row) => isIn(view, row.element)).map((row) => row.category.id))];
  }

  filter(text) {
    const wanted = text.trim().toLocaleLowerCase();
    const fits = ({ name, aliases = [] }) => [name, ...aliases].some((n) => n.toLocaleLowerCase().includes(wanted));
    this.asking.classList.toggle('an-hidden', Boolean(wanted));
    for (const row of this.askRows) row.element.hidden = Boolean(wanted);
    for (const row of this.allRows) row.element.hidden = Boolean(wanted) && !fits(row.category);
    for (const section of this.all.children) {
      section.hidden = ![...section.querySelectorAll('.an-row')].some((row) => !row.hidden);
    }
    this.nothing.hidden = this.listed.length > 0;
  }
}
