// The lines below the status that say which answers wait in this browser, for which project, and why.

import { allKeys, failedPrefix, nameOfProject, ownerOf, parsed, store, storedJobs, unsavedPrefix } from './browser_store.js';
import { button, h, randomId, setText } from './dom.js';
import { downloadAnswers, FailedSavesDialog } from './failed_saves_dialog.js';
import { describeServed, otherProjectNotice, projectName } from './project.js';
import { answersIn, isAnswer } from './save_queue.js';

/** @import { Project, Reply } from './wire.d.ts' */
/** @import { Job, SaveQueue } from './save_queue.js' */

const CHECK_MS = 3000;

/** @param {number} count */
const answers = (count) => `${count} ${count === 1 ? 'answer' : 'answers'}`;
/** @param {number} count */
const wait = (count) => (count === 1 ? 'waits' : 'wait');
/** @param {number} count */
export const answersWait = (count) => `${answers(count)} ${wait(count)}`;
/** @param {number} count */
const theyAre = (count) => (count === 1 ? 'It is' : 'They are');

export class UnsavedNotices {
  /** @type {SaveQueue} */
  queue;

  /** @param {{ describe: (job: Job) => string }} words says what an answer says */
  constructor({ describe }) {
    this.dialog = new FailedSavesDialog({ describe });
    this.reason = h('p', { class: 'an-waits', role: 'status', hidden: true });
    this.otherProject = h('p', { class: 'an-waits', role: 'status', hidden: true });
    this.failedCount = h('span');
    this.failed = h('p', { class: 'an-waits', role: 'status', hidden: true }, this.failedCount, button('Show', null, () => this.dialog.open()));
    this.ofOthers = h('div');
    this.element = h('div', { class: 'an-waiting' }, this.reason, this.otherProject, this.failed, this.ofOthers);
    this.waiting = 0;
    this.served = '';
    this.key = '';
    /** @type {string[]} */
    this.ancestors = [];
    this.drawn = '';
  }

  // `ancestors`: keys of the projects that this one is a copy of.
  /** @param {SaveQueue} queue @param {Project} project */
  start(queue, { key, ancestors }) {
    this.queue = queue;
    this.key = key;
    this.ancestors = ancestors;
    this.dialog.queue = queue;
    this.#check();
    setInterval(() => this.#check(), CHECK_MS);
  }

  // What the server replied: it may serve another project by now.
  /** @param {Reply<{}>} reply */
  onReply({ other_project: other, ok }) {
    if (other === undefined && !ok) return;
    this.served = other ?? '';
    this.#drawOtherProject();
  }

  /** @param {number} waiting @param {number} failed */
  count(waiting, failed) {
    this.waiting = waiting;
    this.#drawOtherProject();
    this.failed.hidden = !failed;
    setText(this.failedCount, `${answers(failed)} could not be saved. `);
    if (this.dialog.element.open) this.dialog.draw();
  }

  // Why answers wait that the server cannot save just now; the corner that says so has little room.
  /** @param {string} reason */
  showReason(reason) {
    this.reason.hidden = !reason || Boolean(this.served);
    if (reason) setText(this.reason, `${answersWait(this.waiting)} in this browser. ${reason}`);
  }

  #drawOtherProject() {
    const { served, waiting } = this;
    const name = projectName();
    this.otherProject.hidden = !served;
    if (!served) return;
    const next = served === name ? `Reload the page to decide what becomes of ${waiting === 1 ? 'it' : 'them'}.` : `${theyAre(waiting)} sent when ${name} is served again.`;
    setText(this.otherProject, waiting
      ? `${answers(waiting)} of project ${name} ${wait(waiting)} in this browser; ${describeServed(served)} is served here now. ${next}`
      : otherProjectNotice(served));
  }

  // ---- of other projects

  #check() {
    /** @type {Map<string, Job[]>} */
    const found = new Map();
    const add = (/** @type {string} */ project, /** @type {Job[]} */ jobs) => {
      if (jobs.length && project !== this.key) found.set(project, [...found.get(project) ?? [], ...jobs]);
    };
    for (const key of allKeys('annotator-unsaved:')) add(key.split(':')[1], storedJobs(key).filter(isAnswer));
    for (const project of this.ancestors) add(project, allKeys(failedPrefix(project)).map((key) => parsed(key)?.job).filter(Boolean));
    const drawn = JSON.stringify([...found].map(([project, jobs]) => [project, jobs.length]));
    if (drawn === this.drawn) return;
    this.drawn = drawn;
    this.ofOthers.replaceChildren(...[...found].map(([project, jobs]) => this.#line(project, jobs)));
  }

  /** @param {string} project @param {Job[]} jobs */
  #line(project, jobs) {
    const name = nameOfProject(project);
    const count = answersIn(jobs);
    const line = h('p', { class: 'an-waits', role: 'status' });
    if (!this.ancestors.includes(project)) {
      line.append(`${answers(count)} of project ${name} ${wait(count)} in this browser. ${theyAre(count)} sent from the pages of that project.`);
      return line;
    }
    line.append(`${answersWait(count)} in this browser for project ${name} as it was before it was copied, moved or restored. `,
      button('Send them to this project', null, () => this.#send(project)),
      button('Download', null, () => downloadAnswers(name, jobs)));
    return line;
  }

  // Under the key of this project they are what a closed tab left behind, which the queue takes over.
  // What could not be saved before stays so, and is listed here.
  /** @param {string} project */
  #send(project) {
    for (const key of allKeys(unsavedPrefix(project))) {
      const jobs = storedJobs(key).map((job) => ({ ...job, last: null }));
      const moved = unsavedPrefix(this.key, ownerOf(key, project).person) + randomId();
      if (store(moved, JSON.stringify(jobs))) store(key, null);
    }
    for (const key of allKeys(failedPrefix(project))) {
      if (store(failedPrefix(this.key) + key.slice(failedPrefix(project).length), localStorage.getItem(key))) store(key, null);
    }
    this.queue.adopt();
    this.#check();
  }
}
