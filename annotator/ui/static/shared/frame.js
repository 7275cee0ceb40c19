// The row at the top of every page: the project, what the trainer does, who works here, and the menu.
// The server has drawn it already; this fills in what changes.

import { helpDialog, nameDialog } from './dialogs.js';
import { h, setText } from './dom.js';
import { letterOf } from './keyboard.js';
import { isTyping, PageKeys, pageHelp } from './page_keys.js';
import { watchRadioGroups } from './radio_groups.js';
import { isAnswer, reasonOf } from './refusals.js';
import { StatusLine } from './status_line.js';

/** @import { Reply } from './wire.d.ts' */

const NO_NAME = 'Your name?'; // as `NO_NAME` in ui/web/frame.py has it
const WORK = ['Label', 'Verify', 'Probe', 'Review', 'Images']; // pages with a status line of their own

class Frame {
  /** @type {ReturnType<typeof nameDialog> | undefined} */
  dialog;

  /** @param {HTMLElement} element */
  constructor(element) {
    this.element = element;
    this.project = this.#part('.fr-project');
    this.slot = this.#part('.fr-status');
    this.who = this.#part('.fr-who');
    this.menu = this.#part('.fr-menu');
    this.page = element.dataset.page ?? '';
    this.askName = () => this.#names().open(this.who.dataset.person ?? '', true);
    this.who.addEventListener('click', () => {
      this.askName();
      this.who.blur(); // so that Enter and Space stay keys of the page
    });
    this.menu.addEventListener('click', () => this.#open(this.menu.getAttribute('aria-expanded') !== 'true'));
    this.#part('.fr-skip').addEventListener('click', (event) => {
      event.preventDefault(); // what stands behind # in an address is for the page
      document.getElementById('an-page')?.focus();
    });
    document.addEventListener('click', (event) => {
      if (event.target instanceof Node && !element.contains(event.target)) this.#open(false);
    });
    element.addEventListener('keydown', ({ key }) => { if (key === 'Escape') this.#open(false); });
    new PageKeys(element);
    if (!WORK.includes(this.page)) this.#startAlone();
  }

  /** @param {string} selector @returns {HTMLElement} */
  #part(selector) { return /** @type {HTMLElement} */ (this.element.querySelector(selector)); }

  // A work screen gives its status line, and asks for a name itself.
  /** @param {StatusLine} status @param {() => void} askName */
  take(status, askName) {
    this.askName = askName;
    this.#show(status);
  }

  /** @param {string} name */
  setPerson(name) {
    this.who.dataset.person = name;
    this.who.title = name ? `${name}: change your name` : '';
    setText(this.who, name || NO_NAME);
  }

  /** @param {StatusLine} status */
  #show(status) {
    status.onState = ({ project }) => {
      if (this.project.textContent === project) return;
      Object.assign(this.project, { textContent: project, title: project });
      document.title = `${this.page} · ${project}`;
    };
    this.slot.replaceChildren(status.element);
  }

  // A page of Gradio's has no more of its own than its content.
  #startAlone() {
    watchRadioGroups();
    this.setPerson(this.who.dataset.person ?? '');
    this.#show(new StatusLine({ call: () => fetchedState() }));
    const help = helpDialog([...pageHelp(), ['?', 'this help']]);
    document.body.append(help);
    document.head.append(h('link', { rel: 'stylesheet', href: new URL('work_screen.css', import.meta.url) })); // of dialogs
    addEventListener('keydown', (event) => {
      if (event.defaultPrevented || isTyping(event) || letterOf(event) !== '?') return;
      event.preventDefault();
      help.showModal();
    });
  }

  #names() {
    this.dialog ??= nameDialog((name) => this.setPerson(name), { submit: 'Save' });
    if (!this.dialog.element.isConnected) document.body.append(this.dialog.element);
    return this.dialog;
  }

  /** @param {boolean} isOpen on a phone, where the menu is closed until somebody opens it */
  #open(isOpen) { this.menu.setAttribute('aria-expanded', String(isOpen)); }
}

/** @returns {Promise<Reply<any>>} */
async function fetchedState() {
  try {
    const response = await fetch('status');
    return isAnswer(response) ? await response.json() : { ok: false, message: await reasonOf(response) };
  } catch {
    return { ok: false, message: 'The server does not answer.' };
  }
}

export const frame = new Frame(document.getElementById('an-frame') ?? h('header'));
