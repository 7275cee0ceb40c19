// The category rows of one image: drawn once, restyled in place, never reordered.

import { h } from './dom.js';

const MARKS = { present: '✓', absent: '✕', unsure: '?', conflict: '!' };
const WORDS = { present: 'present', absent: 'absent', unsure: 'cannot tell', conflict: 'in conflict', unknown: 'unknown' };

export class Row {
  constructor(category, digit, { onPick }) {
    this.category = category;
    this.bar = h('i', { class: 'an-fill' });
    this.mark = h('span', { class: 'an-mark', 'aria-hidden': 'true' });
    this.percent = h('span', { class: 'an-pct' });
    this.name = h('span', { class: 'an-name', text: category.name, dir: 'auto' });
    this.element = h('div', {
      class: 'an-row', role: 'checkbox', tabindex: -1, 'aria-checked': 'mixed', 'data-category': category.id,
      title: 'click: present · Shift-click or right click: absent',
    }, this.bar, this.mark, this.name, this.percent);
    if (digit !== null) this.element.append(h('kbd', { text: digit }));
    this.element.addEventListener('click', (event) => onPick(this, event.shiftKey ? 'absent' : 'present'));
    this.element.addEventListener('contextmenu', (event) => {
      event.preventDefault();
      onPick(this, 'absent');
    });
  }

  draw(pair, focused) {
    const { element } = this;
    const open = pair.state === 'unknown' || pair.state === 'unsure';
    const percent = pair.score == null ? 0 : Math.round(pair.score * 100);
    element.dataset.state = pair.state;
    element.classList.toggle('suggested', pair.suggested && open);
    element.classList.toggle('ranked', pair.ranked);
    element.classList.toggle('focused', focused);
    element.classList.toggle('waiting', pair.waiting);
    element.tabIndex = focused ? 0 : -1;
    element.setAttribute('aria-checked', { present: 'true', absent: 'false' }[pair.state] ?? 'mixed');
    element.setAttribute('aria-label', this.#spoken(pair, percent, open));
    this.bar.style.width = `${percent}%`;
    this.percent.textContent = pair.ranked || percent < 5 || pair.score == null ? '' : percent;
    this.mark.textContent = MARKS[pair.state] ?? (pair.suggested ? '•' : '');
  }

  #spoken(pair, percent, open) {
    const parts = [this.category.name, WORDS[pair.state]];
    if (pair.by) parts.push(`by ${pair.by}`);
    if (open && pair.suggested) parts.push('suggested');
    if (pair.score != null && !pair.ranked) parts.push(`${percent} percent`);
    return parts.join(', ');
  }
}

// The rows of the page: the ten most worth asking on top, then every category in its group.
export class RowList {
  constructor(categories, handlers) {
    this.handlers = handlers;
    this.asking = h('div', { class: 'an-asking', role: 'group', 'aria-label': 'Most worth asking' });
    this.all = h('div', { class: 'an-all' });
    this.box = h('div', { class: 'an-list', role: 'group', 'aria-label': 'Categories' }, this.asking, this.all);
    this.askRows = [];
    this.allRows = this.#buildAll(categories);
    this.byId = new Map(categories.map((category) => [category.id, category]));
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

  ask(ids) {
    const digits = [...'1234567890'];
    this.askRows = ids.filter((id) => this.byId.has(id))
      .map((id, place) => new Row(this.byId.get(id), digits[place], this.handlers));
    this.asking.replaceChildren(
      h('div', { class: 'an-group', text: 'most worth asking', 'aria-hidden': 'true' }),
      ...this.askRows.map((row) => row.element),
    );
    this.asking.hidden = !this.askRows.length;
  }

  get visible() { return [...this.askRows, ...this.allRows].filter((row) => !row.element.hidden); }

  filter(text) {
    const wanted = text.trim().toLocaleLowerCase();
    const fits = ({ name, aliases }) => [name, ...aliases].some((n) => n.toLocaleLowerCase().includes(wanted));
    this.asking.classList.toggle('an-hidden', Boolean(wanted));
    for (const row of this.askRows) row.element.hidden = Boolean(wanted);
    for (const row of this.allRows) row.element.hidden = Boolean(wanted) && !fits(row.category);
    for (const section of this.all.children) {
      section.hidden = ![...section.querySelectorAll('.an-row')].some((row) => !row.hidden);
    }
  }
}
