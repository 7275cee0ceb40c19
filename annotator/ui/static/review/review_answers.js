// What the annotator says about listed pairs, one or many at once, and taking it back.

import { randomId } from '../shared/dom.js';

const WORDS = { present: 'present', absent: 'absent', unsure: 'cannot tell', cleared: 'your answer is off' };

export class Desk {
  constructor(page) {
    this.page = page;
    this.decides = false; // whether answers about pairs in conflict settle them
    Object.assign(this, { log: [], undone: [], since: performance.now() });
  }

  source(pair) {
    const { reviewer } = this.page;
    return reviewer || (this.decides && pair.state === 'conflict') ? 'review' : 'human';
  }

  // How many of some pairs an answer would change.
  changing(pairs, state) {
    return pairs.filter((pair) => pair.wouldChange(this.page.me, state, this.source(pair)));
  }

  // About the selected pairs if there are any, else about the one in focus.
  answer(state) {
    const { list } = this.page;
    const { selected } = list;
    if (selected.length) return this.#bulk(selected, state);
    const pair = list.focus?.pair;
    if (!pair) return null;
    if (!pair.isPair) return this.page.tell('This flag is about the whole image. Enter opens it on the Label page.');
    if (pair.isSaid(state, this.source(pair))) return this.page.tell(state === 'cleared' ? 'You have no answer here to take off.' : 'You have said so already.');
    this.#commit('answer', [pair], state);
    return this.#tell(pair, state);
  }

  #tell(pair, state) {
    this.page.say(`${pair.categoryName} ${WORDS[state]}`);
    if (pair.state === 'conflict') this.page.tell(`Still in conflict: ${pair.who}. D lets your answers decide.`);
    else if (state === 'cleared' && pair.row.state) this.page.tell(`Your answer is off; ${pair.row.by || 'somebody'} says ${pair.row.state}.`);
  }

  #bulk(pairs, state) {
    const changed = this.changing(pairs, state);
    if (!changed.length) return this.page.tell('That would change none of the selected pairs.');
    this.#commit('page', changed, state);
    return this.page.tell(`${changed.length} changed: ${WORDS[state]}. U takes it back.`);
  }

  #commit(kind, pairs, state) {
    const { page } = this;
    const op = randomId();
    const said = pairs.map((pair) => [pair, this.source(pair)]);
    const changes = said.map(([pair, source]) => pair.change(state, source, page.queue.blind));
    this.log.push({ op, before: pairs.map((pair) => [pair, pair.row]) });
    this.undone = [];
    for (const [pair, source] of said) Object.assign(pair, { row: pair.after(page.me, state, source), pending: op });
    const now = performance.now();
    page.queue.push('save', {
      as: page.me, op, kind, at: new Date().toISOString(), ms: Math.round(now - this.since), version: page.version, changes,
    });
    this.since = now;
    page.draw();
  }

  undo() { this.#backOrForth('undo', this.log, this.undone); }

  redo() { this.#backOrForth('redo', this.undone, this.log); }

  // Shown at once where this tab knows what is taken back; the server has the last word.
  #backOrForth(call, from, to) {
    const { page } = this;
    const op = randomId();
    const step = from.pop();
    if (step) {
      to.push({ op: step.op, before: step.before.map(([pair]) => [pair, pair.row]) });
      for (const [pair, row] of step.before) Object.assign(pair, { row, pending: op });
    }
    page.queue.push(call, { as: page.me, op }, step ? { target: step.op } : {});
    page.draw();
  }

  // The server has answered: whatever it touched and whatever waited for it is looked at again.
  settle(job, images = {}) {
    const { list } = this.page;
    const touched = Object.entries(images).flatMap(([image, labels]) => Object.keys(labels).map((category) => list.find(`${image}:${category}`))).filter(Boolean);
    const waiting = list.pairs.filter(({ pending }) => pending === job.data.op);
    for (const pair of waiting) pair.pending = null;
    for (const pair of touched) pair.answer = images[pair.row.image][pair.row.category]?.answer ?? null;
    return [...new Set([...touched, ...waiting])];
  }
}
