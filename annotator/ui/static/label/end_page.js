// What stands in place of the image once every image has been visited: what there is, and ways on.

import { button, formatNumber, h } from '../shared/dom.js';
import { commandOf } from './keys.js';

/** @import { Finished } from '../shared/wire.d.ts' */
/** @import { LabelPage } from './label_page.js' */

export const END = '#end'; // of the address

const GO_ON = ['next']; // commands that go through the images again; Enter is none, or a hasty one would
const HERE = ['openImage', 'help'];
const AT_LAST = ['undo', 'redo']; // what they change is to be seen

export class EndPage {
  /** @param {LabelPage} page */
  constructor(page) {
    this.page = page;
    this.server = page.server;
    this.isAsking = false;
    this.isStale = false;
    this.title = h('h2', { tabindex: -1 });
    this.counts = h('p', {});
    this.ways = h('ul', {});
    this.price = h('p', { role: 'status' });
    this.element = h('section', { class: 'an-end', 'aria-label': 'All images have been visited', hidden: true },
      this.title, this.counts, this.ways, this.price,
      h('div', { class: 'an-bar' }, h('a', { class: 'an-btn primary', href: 'export' }, 'Export the labels', keys('E')),
        button('Through the images again', '→', () => this.#again()), button('Last image', '←', () => this.#back())));
  }

  get isOpen() { return !this.element.hidden; }

  open() {
    if (this.page.selection) return this.#comeRound();
    this.page.ready();
    this.element.hidden = false;
    this.title.textContent = 'Every image has been visited';
    history.replaceState(history.state, '', `${location.pathname}${location.search}${END}`);
    this.title.focus();
    this.#askPrice();
    return this.refresh();
  }

  // Images that were selected come round again; the bar above them leads to all others.
  async #comeRound() {
    await this.page.state.next();
    this.page.notify('You have been through all selected images; they come round again.');
  }

  close() { this.element.hidden = true; }

  #again() { return this.page.state.next(); }

  #back() { return this.page.state.goTo(this.page.state.album.at); }

  // Its counts are those of now: the last answers may have been on their way.
  async refresh() {
    this.isStale = true;
    if (!this.isOpen || this.isAsking) return;
    this.isAsking = true;
    this.isStale = false;
    const reply = await this.server.call('finished');
    this.isAsking = false;
    if (this.isStale) this.refresh(); // something was saved meanwhile
    else if (reply.ok) this.#show(reply);
    else this.counts.textContent = reply.message ?? 'The server does not answer; the counts come when it does.';
  }

  /** @param {Finished} found */
  #show({ images, answered, filled, open, doubtful, conflicts, flagged }) {
    this.title.textContent = open ? 'Every image has been visited' : 'Every image is done';
    this.counts.textContent = `${count(images, 'image')}: ${count(answered, 'label')} answered, ${formatNumber(filled)} filled in, ${formatNumber(open)} open.`;
    this.ways.replaceChildren(
      ...(open ? [way('verify', 'Verify', 'V', `goes through ${count(open, 'open pair')} quickest: one category, many images`)] : []),
      ...(doubtful ? [way('review#show=errors', 'Review', 'R', `${count(doubtful, 'label')} that the model doubts`)] : []),
      ...(conflicts ? [way('review#show=conflicts', 'Review', '', `${count(conflicts, 'label')} on which people disagree`)] : []),
      ...(flagged ? [way('review#show=flags', 'Review', '', count(flagged, 'flagged image'))] : []));
  }

  async #askPrice() {
    this.price.replaceChildren();
    const reply = await this.server.call('certificate_price');
    if (reply.ok && reply.message) this.price.replaceChildren(h('a', { href: 'certify', text: 'Certify' }), ' ', keys('C'), ` ${reply.message}`);
  }

  // The keys of the page while this stands there. Enter goes nowhere: it was meant for an image.
  /** @param {KeyboardEvent} event */
  key(event) {
    const command = commandOf(event) ?? '';
    if (event.key === 'Enter' && event.target instanceof HTMLElement && event.target.closest('a, button')) return false;
    if (event.repeat || event.key === 'Enter') return true;
    if (command === 'previous') this.#back();
    else if (GO_ON.includes(command)) this.#again();
    else if (HERE.includes(command)) this.page.commands[command]();
    else if (AT_LAST.includes(command)) this.#atLast(command);
    else return false;
    return true;
  }

  /** @param {string} command */
  async #atLast(command) {
    await this.#back();
    this.page.commands[command]();
  }
}

/** @param {number} number @param {string} noun */
const count = (number, noun) => `${formatNumber(number)} ${noun}${number === 1 ? '' : 's'}`;

// The keys that go to a page from anywhere (page_keys.js).
/** @param {string} letter */
const keys = (letter) => h('kbd', { text: `G ${letter}`, 'aria-hidden': 'true' });

/** @param {string} href @param {string} link @param {string} letter @param {string} text */
const way = (href, link, letter, text) => h('li', {}, h('a', { href, text: link }), ' ', ...(letter ? [keys(letter)] : []), ` ${text}`);
