// The lines below the status that say which answers wait in this browser, for which project, and why.

import { AsideDialog, saveFile } from './failed_saves_dialog.js';
import { allKeys, asidePrefix, keep, keptJobs, nameOfProject, parsed, personOf, unsavedPrefix } from './browser_store.js';
import { button, h, randomId } from './dom.js';
import { belongs, projectName, servedNow } from './project.js';

const LOOK_MS = 3000;
const isAnswer = ({ call }) => ['save', 'probe_answer'].includes(call);
const counted = (count) => `${count} ${count === 1 ? 'answer' : 'answers'}`;
const wait = (count) => (count === 1 ? 'waits' : 'wait');
const are = (count) => (count === 1 ? 'It is' : 'They are');

export class Waiting {
  // `words(job)` says what an answer says.
  constructor({ words }) {
    this.dialog = new AsideDialog({ words });
    this.why = h('p', { class: 'an-waits', role: 'status', hidden: true });
    this.other = h('p', { class: 'an-waits', role: 'status', hidden: true });
    this.show = button('Show', null, () => this.dialog.open());
    this.put = h('span');
    this.aside = h('p', { class: 'an-waits', role: 'status', hidden: true }, this.put, this.show);
    this.elsewhere = h('div');
    this.element = h('div', { class: 'an-waiting' }, this.why, this.other, this.aside, this.elsewhere);
    Object.assign(this, { pending: 0, served: '' });
  }

  // `queue`: of this page; `ancestors`: keys of the projects that this one is a copy of.
  begin(queue, { key, ancestors }) {
    Object.assign(this, { queue, key, ancestors });
    this.dialog.queue = queue;
    this.#look();
    setInterval(() => this.#look(), LOOK_MS);
  }

  // What the server said: it may serve another project by now.
  see({ other_project: other, ok }) {
    if (other === undefined && !ok) return;
    this.served = other ?? '';
    this.#drawOther();
  }

  count(pending, aside) {
    this.pending = pending;
    this.#drawOther();
    this.aside.hidden = !aside;
    this.#say(this.put, `${counted(aside)} could not be saved and ${aside === 1 ? 'was' : 'were'} put aside. `);
    if (this.dialog.element.open) this.dialog.draw();
  }

  // Why answers wait that the server cannot save just now; the corner that says so has little room.
  tellWhy(reason) {
    this.why.hidden = !reason || Boolean(this.served);
    if (reason) this.#say(this.why, `${counted(this.pending)} ${wait(this.pending)} in this browser. ${reason}`);
  }

  #drawOther() {
    const { served, pending } = this;
    const name = projectName();
    this.other.hidden = !served;
    if (!served) return;
    this.#say(this.other, pending
      ? `${counted(pending)} of project ${name} ${wait(pending)} in this browser; ${servedNow(served)} is served here now. ${served === name ? `Reload the page to decide what becomes of ${pending === 1 ? 'it' : 'them'}.` : `${are(pending)} sent when ${name} is served again.`}`
      : belongs(served));
  }

  // ---- of other projects

  #look() {
    const found = new Map();
    const add = (project, jobs) => { if (jobs.length && project !== this.key) found.set(project, [...found.get(project) ?? [], ...jobs]); };
    for (const key of allKeys('annotator-unsaved:')) add(key.split(':')[1], keptJobs(key).filter(isAnswer));
    for (const project of this.ancestors) add(project, allKeys(asidePrefix(project)).map((key) => parsed(key)?.job).filter(Boolean));
    const drawn = JSON.stringify([...found].map(([project, jobs]) => [project, jobs.length]));
    if (drawn === this.drawn) return;
    this.drawn = drawn;
    this.elsewhere.replaceChildren(...[...found].map(([project, jobs]) => this.#line(project, jobs)));
  }

  #line(project, jobs) {
    const name = nameOfProject(project);
    const count = jobs.length;
    const line = h('p', { class: 'an-waits', role: 'status' });
    if (!this.ancestors.includes(project)) {
      line.append(`${counted(count)} of project ${name} ${wait(count)} in this browser. ${are(count)} sent when that project is served here again.`);
      return line;
    }
    line.append(`${counted(count)} ${wait(count)} in this browser for project ${name} as it was before it was copied, moved or restored. `,
      button('Send them to this project', null, () => this.#send(project)),
      button('Keep as a file', null, () => saveFile(name, jobs)));
    return line;
  }

  // Under the key of this project they are what a closed tab left behind, which the queue takes over.
  // What had been put aside already stays so, and is listed here.
  #send(project) {
    for (const key of allKeys(unsavedPrefix(project))) {
      const jobs = keptJobs(key).map((job) => ({ ...job, last: null }));
      const moved = unsavedPrefix(this.key, personOf(key, project).person) + randomId();
      if (keep(moved, JSON.stringify(jobs))) keep(key, null);
    }
    for (const key of allKeys(asidePrefix(project))) {
      if (keep(asidePrefix(this.key) + key.slice(asidePrefix(project).length), localStorage.getItem(key))) keep(key, null);
    }
    this.queue.adopt();
    this.#look();
  }

  #say(element, text) { if (element.textContent !== text) element.textContent = text; }
}
