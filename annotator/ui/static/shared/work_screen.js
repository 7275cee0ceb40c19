// What every work screen shares: who labels, what is saved, the status line, the keys, messages.

import { answerText } from './answer_text.js';
import { nameKey } from './browser_store.js';
import { CATEGORIES, CategoryChanges } from './category_changes.js';
import { CommitGate } from './commit_gate.js';
import { helpDialog, nameDialog, saveName } from './dialogs.js';
import { h, setImageProject } from './dom.js';
import { missingPartCard, NO_CATEGORIES, NO_IMAGES } from './empty_project.js';
import { frame } from './frame.js';
import { ImageSelection } from './image_selection.js';
import { Keycaps, listenToKeys } from './keyboard.js';
import { Notices } from './notices.js';
import { SaveQueue } from './save_queue.js';
import { pageHelp } from './page_keys.js';
import { pause, Server } from './server.js';
import { StatusLine } from './status_line.js';
import { UndoGuard } from './undo_guard.js';
import { answersWait, UnsavedNotices } from './unsaved_notices.js';

/** @import { Start } from './wire.d.ts' */
/** @import { MissingPart } from './empty_project.js' */
/** @import { Done, Job, QueueState } from './save_queue.js' */

const RETRY_MS = 1500;
const LOOK_AGAIN_MS = 3000;
const MOST_SAID = 2; // sentences about categories that have changed

export class WorkScreen {
  /** @type {SaveQueue} */
  queue;

  /** @type {CommitGate} */
  gate;

  /** @type {UndoGuard} */
  guard;

  me = ''; // the annotator's name

  /** @type {Map<number, string> | undefined} */
  categoryNames;

  /** @type {(state: QueueState) => void} */
  onSaved = () => {}; // what waits to be saved has changed

  /** @type {HTMLElement | null} */
  missing = null; // the card that says what the project lacks

  /**
   * @param {HTMLElement} root
   * @param {Record<string, (data: object) => Promise<any>>} functions what Gradio offers as `server`
   * @param {{ page: string, help: string[][], takesSelection?: boolean }} about the page's name and its keys
   */
  constructor(root, functions, { page, help, takesSelection = false }) {
    this.selection = takesSelection ? ImageSelection.ofAddress() : null; // the images that the page is limited to
    this.root = root;
    this.pageName = page;
    this.server = new Server(functions);
    this.live = h('div', { class: 'an-spoken', 'aria-live': 'polite' });
    this.saved = h('span', { class: 'an-saved', role: 'status' });
    this.notices = new Notices();
    this.help = helpDialog([...help, ...pageHelp()]);
    this.keycaps = new Keycaps(root);
    this.nameDialog = nameDialog((name) => this.#named(name));
    this.unsaved = new UnsavedNotices({ describe: (job) => answerText(job, this.categoryNames) });
    this.server.onReply = (reply) => this.unsaved.onReply(reply);
    this.categories = new CategoryChanges(this.server, { onComing: () => this.categoriesComing() });
    this.status = new StatusLine(this.server, {
      onVersion: (number) => this.newVersion(number), onCategories: (revision) => this.categories.look(revision), onOrder: () => this.orderComes(),
    });
  }

  // Called at the end of a page's constructor: before that its private methods do not exist.
  mount() {
    frame.take(this.status, () => this.askName(true));
    const selection = this.selection ? [this.selection.element] : [];
    this.root.replaceChildren(this.unsaved.element, ...selection, ...this.build(), this.help, this.nameDialog.element, this.unsaved.dialog.element, this.live);
    if (!this.notices.element.isConnected) this.root.append(this.notices.element);
    this.root.setAttribute('aria-busy', 'true');
    this.begin();
  }

  // ---- what each page gives

  /** @returns {Node[]} */
  build() { return []; }

  // Once, with what the server says first.
  /** @param {Start} _start */
  prepare(_start) {}

  // Show the first image or page.
  /** @param {Start} _start @returns {unknown} */
  open(_start) { return null; }

  // Say a text in place of what there is nothing of.
  /** @param {string} _text */
  fail(_text) {}

  // Say for a few seconds what came of the last key.
  /** @param {string} text */
  notify(text) { this.notices.show(text); }

  // Say for a few seconds what has happened besides, in place of what was said about the same subject.
  /** @param {string} text @param {string} [subject] */
  tell(text, subject) { this.notices.tell(text, subject); }

  // True if the key is one of the page.
  /** @param {KeyboardEvent} _event @returns {boolean} */
  key(_event) { return false; }

  // ---- what a page may give

  /** @param {Job} _job @param {Done} _result @returns {unknown} */
  confirmed(_job, _result) { return null; }

  /** @param {Job} _job @param {string} message @returns {unknown} */
  refused(_job, message) { return this.tell(message); }

  /** @param {number | null} _number */
  newVersion(_number) {}

  // Images came in file order until now.
  orderComes() {}

  // There are other categories, which `takeCategories` gives with the next image.
  categoriesComing() {}

  leave() {}

  // ---- beginning

  /** @returns {Promise<unknown>} */
  async begin() {
    const start = await this.server.call('start');
    if (!start.ok) {
      if (start.need_name) return this.askName(false);
      return this.retry(start.message ?? 'The server does not answer; trying again.', () => this.begin());
    }
    if (start.said && start.said !== start.annotator) { // was given another name meanwhile
      const named = await saveName(start.annotator);
      if (!named.ok) return this.retry(named.message, () => this.begin());
    }
    if (!this.queue) this.#prepare(start);
    this.queue.resume();
    if (!start.total) return this.#waitFor(NO_IMAGES);
    if (!start.categories.length) return this.#waitFor(NO_CATEGORIES);
    if (this.missing) return location.reload();
    const problem = await this.selection?.load(this.server, Number(location.hash.slice(1)));
    return problem ? this.fail(problem) : this.open(start);
  }

  /** @param {Start} start */
  #prepare(start) {
    const { key, name } = start.project;
    const page = this.pageName;
    this.categories.start(start);
    this.categoryNames = new Map(start.categories.map((each) => [each.id, each.name]));
    this.me = start.annotator;
    this.server.me = this.me;
    frame.setPerson(this.me);
    setImageProject(key, start.project.grey_range);
    this.status.isOrdered = start.ordered;
    this.queue = new SaveQueue(this.server, {
      project: key, projectName: name, annotator: this.me, former: (start.former ?? []).map(nameKey), page,
    }, {
      onState: (state) => this.#showSaved(state),
      // What another page left behind is sent from here, but it is nothing that this page shows.
      onDone: (job, result) => this.#done(job, result, page),
      onRefused: (job, message) => {
        this.status.update(); // it may be for categories that have changed
        return (job.page ?? page) === page ? this.refused(job, message) : this.tell(message);
      },
      onStopped: (result) => (result.need_name ? this.askName(false) : location.reload()),
    });
    this.unsaved.start(this.queue, start.project);
    const delay = start.labelling.commit_delay_ms;
    this.gate = new CommitGate(this.root, delay, { tell: (text) => this.tell(text) });
    this.guard = new UndoGuard({ server: this.server, queue: this.queue, page, names: this.categoryNames, delay }, { notify: (text) => this.notify(text) });
    this.root.append(this.guard.element);
    this.prepare(start);
    this.keycaps.paint();
    listenToKeys(this.root, (event) => {
      this.keycaps.learn(event);
      return this.key(event);
    });
    addEventListener('pagehide', () => {
      this.leave();
      this.server.call('release', { tab: this.queue.tab }); // for others to work on
    });
  }

  /** @param {Job} job @param {Done} result @param {string} page */
  async #done(job, result, page) {
    if ((job.page ?? page) === page) await this.confirmed(job, result);
    const said = [...(result.archived ?? []).map(([, reason]) => reason), ...result.merged ?? []];
    if (!said.length) return;
    for (const sentence of said.slice(0, MOST_SAID)) this.tell(sentence);
    this.status.update();
  }

  // Called when the page turns to another image or page: the categories that are shown from now on,
  // null if they are the same as before.
  takeCategories() {
    const taken = this.categories.take();
    if (!taken) return null;
    if (!taken.list.categories.length) location.reload(); // it says what to do then
    for (const { id, name } of taken.list.categories) this.categoryNames?.set(id, name);
    if (taken.text) this.tell(taken.text, CATEGORIES);
    return taken.list;
  }

  ready() { this.root.removeAttribute('aria-busy'); }

  // The project lacks something: say what comes next, and go on by itself once it is there.
  /** @param {MissingPart} part */
  async #waitFor(part) {
    this.ready();
    const card = missingPartCard(part);
    if (this.missing?.textContent !== card.textContent) {
      this.missing?.remove();
      this.missing = card;
      this.unsaved.element.after(card);
    }
    this.root.classList.add('an-none');
    await pause(LOOK_AGAIN_MS);
    return this.begin();
  }

  /** @param {string} text @param {() => unknown} again */
  async retry(text, again) {
    this.fail(text);
    await pause(RETRY_MS);
    return again();
  }

  // For screen readers.
  /** @param {string} text */
  say(text) { this.live.textContent = text; }

  /** @param {QueueState} state */
  #showSaved(state) {
    const { pending, waiting, fails, trouble, isStored, failed } = state;
    this.onSaved(state);
    this.unsaved.count(waiting, failed);
    const isTold = this.status.trainer.textContent === trouble; // the status line says it already
    this.unsaved.showReason(fails && pending && !isTold ? trouble : '');
    const late = trouble ? `${answersWait(waiting)}: ${trouble}` : `offline, ${answersWait(waiting)}`;
    const calm = pending ? 'saving ...' : 'saved';
    this.saved.textContent = fails && pending ? late : calm;
    this.saved.dataset.state = fails && pending ? 'offline' : pending ? 'saving' : 'saved';
    if (!isStored && (pending || failed)) this.tell('This browser has no room for more answers: keep the page open until it says saved, and clear the list of answers that could not be saved.');
  }

  /** @param {boolean} mayLeave */
  askName(mayLeave) { this.nameDialog.open(this.me, mayLeave); }

  // Another name is another person with another queue, so the page begins anew, at the same place.
  /** @param {string} name */
  #named(name) {
    if (this.me && this.me !== name) location.reload();
    else if (this.queue) this.queue.resume();
    else this.begin();
  }
}
