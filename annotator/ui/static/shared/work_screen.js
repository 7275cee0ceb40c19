// What every work screen shares: who sits here, what is saved, the status line, the keys, telling.

import { emptyCard, NO_CATEGORIES, NO_IMAGES } from './cards.js';
import { h, picturesOf } from './dom.js';
import { helpDialog, keepName, nameDialog } from './dialogs.js';
import { Keycaps, listenToKeys } from './keys.js';
import { SaveQueue } from './save_queue.js';
import { pause, Server } from './server.js';
import { Waiting } from './unsaved_notices.js';
import { Watch } from './status_line.js';
import { worded } from './answer_text.js';

const RETRY_MS = 1500;
const LOOK_AGAIN_MS = 3000;

// A page gives: build(), prepare(start), open(start), fail(text), tell(text), key(event); and may give
// confirmed(job, result), refused(job, message), newVersion(number), leave().
export class Screen {
  constructor(root, functions, { help }) {
    Object.assign(this, { root, server: new Server(functions) });
    this.live = h('div', { class: 'an-spoken', 'aria-live': 'polite' });
    this.saved = h('span', { class: 'an-saved', role: 'status' });
    this.who = h('button', { class: 'an-who', type: 'button', title: 'Change your name', onclick: () => this.askName(true) });
    this.help = helpDialog(help);
    this.caps = new Keycaps(root);
    this.name = nameDialog((name) => this.#named(name));
    this.waiting = new Waiting({ words: (job) => worded(job, this.categoryNames) });
    this.server.onSaid = (said) => this.waiting.see(said);
    this.watch = new Watch(this.server, { onVersion: (number) => this.newVersion(number) });
  }

  // Called at the end of a page's constructor: before that its private methods do not exist.
  mount() {
    this.watch.element.append(this.waiting.element);
    this.root.replaceChildren(this.watch.element, ...this.build(), this.help, this.name.element, this.waiting.dialog.element, this.live);
    this.root.setAttribute('aria-busy', 'true');
    this.begin();
  }

  confirmed() {}

  refused(job, message) { this.tell(message); }

  newVersion() {}

  leave() {}

  async begin() {
    const start = await this.server.call('start');
    if (start.need_name) return this.askName(false);
    if (!start.ok) return this.retry(start.message ?? 'The server does not answer; trying again.', () => this.begin());
    if (start.said && start.said !== start.annotator && !(await keepName(start.annotator)).ok) {
      return this.retry('The server does not answer; trying again.', () => this.begin()); // was given another name meanwhile
    }
    if (!this.queue) this.#prepare(start);
    this.queue.resume();
    if (!start.total) return this.empty(NO_IMAGES);
    if (!start.categories.length) return this.empty(NO_CATEGORIES);
    return this.card ? location.reload() : this.open(start);
  }

  #prepare(start) {
    const { key, name } = start.project;
    this.categoryNames = new Map(start.categories.map((each) => [each.id, each.name]));
    this.me = start.annotator;
    this.server.me = this.me;
    this.who.textContent = this.me;
    picturesOf(key);
    this.watch.embedded = start.features;
    const page = this.constructor.name;
    this.queue = new SaveQueue(this.server, {
      project: key, projectName: name, annotator: this.me, former: (start.former ?? []).map((each) => each.toLowerCase()), page,
    }, {
      onState: (state) => this.#showSaved(state),
      // What another page left behind is sent from here, but it is nothing that this page shows.
      onDone: (job, result) => (job.page ?? page) === page && this.confirmed(job, result),
      onRefused: (job, message) => ((job.page ?? page) === page ? this.refused(job, message) : this.tell(message)),
      onStopped: (result) => (result.need_name ? this.askName(false) : location.reload()),
    });
    this.waiting.begin(this.queue, start.project);
    this.prepare(start);
    this.caps.paint();
    listenToKeys(this.root, (event) => {
      this.caps.see(event);
      return this.key(event);
    });
    addEventListener('pagehide', () => this.leave());
  }

  ready() { this.root.removeAttribute('aria-busy'); }

  // The project lacks something: say what comes next, and go on by itself once it is there.
  async empty(state) {
    this.ready();
    const card = emptyCard(state);
    if (this.card?.textContent !== card.textContent) {
      this.card?.remove();
      this.card = card;
      this.watch.element.after(card);
    }
    this.root.classList.add('an-none');
    await pause(LOOK_AGAIN_MS);
    return this.begin();
  }

  async retry(text, again) {
    this.fail(text);
    await pause(RETRY_MS);
    return again();
  }

  say(text) { this.live.textContent = text; }

  #showSaved({ pending, fails, trouble, kept, aside }) {
    this.waiting.count(pending, aside);
    const isTold = this.watch.trainer.textContent === trouble; // the status line says it already
    this.waiting.tellWhy(fails && pending && !isTold ? trouble : '');
    const waiting = trouble ? `${pending} unsaved, retrying: ${trouble}` : `offline, ${pending} unsaved, retrying`;
    const calm = pending ? 'saving ...' : 'saved';
    this.saved.textContent = fails && pending ? waiting : calm;
    this.saved.dataset.state = fails && pending ? 'offline' : pending ? 'saving' : 'saved';
    if (!kept && (pending || aside)) this.tell('This browser has no room to keep answers; leave the page open until it says saved, and empty the list of what was put aside.');
  }

  askName(mayLeave) { this.name.open(this.me ?? '', mayLeave); }

  // Another name is another person with another queue, so the page begins anew, at the same place.
  #named(name) {
    if (this.me && this.me !== name) location.reload();
    else if (this.queue) this.queue.resume();
    else this.begin();
  }
}
