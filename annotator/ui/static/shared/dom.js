// Making elements: text always goes in as text, never as markup.

/** @typedef {HTMLButtonElement & { say: (text: string) => void }} Button */

/**
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, any>} [attributes] `text`, `class`, `onEVENT` with a listener, or attributes by name
 * @param {...(Node | string)} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === 'text') element.textContent = value;
    else if (name === 'class') element.className = value;
    else if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, '');
    else if (value !== false && value != null) element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

// Leaves alone what says so already: a change would be read out again.
/** @param {Element} element @param {string} text */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

let query = '';

// Images are cached for good, so their address has to tell projects on the same port apart, and
// ranges of grey images.
/** @param {string} key @param {string} greyRange */
export function setImageProject(key, greyRange) {
  query = String(new URLSearchParams(greyRange === 'auto' ? { of: key } : { of: key, grey: greyRange }));
}

/** @param {number} width @param {number} id */
export const imageUrl = (width, id) => `img/${width}/${id}?${query}`;

/**
 * @param {string} label
 * @param {string | null} key shown beside the label
 * @param {() => void} act
 * @returns {Button}
 */
export function button(label, key, act, kind = '') {
  const shown = h('span', { class: 'an-label', text: label });
  const element = h('button', { class: `an-btn ${kind}`, type: 'button' }, shown);
  if (key) element.append(h('kbd', { text: key, 'aria-hidden': 'true' }));
  element.addEventListener('click', () => {
    act();
    element.blur(); // so that Enter and Space stay keys of the page
  });
  return Object.assign(element, { say: (/** @type {string} */ text) => setText(shown, text) });
}

/** @param {string} title @param {...(Node | string)} children */
export function dialog(title, ...children) {
  return h('dialog', { class: 'an-dialog', 'aria-label': title }, h('h3', { text: title }), ...children);
}

// crypto.randomUUID exists on https and on this machine only, not for `serve --open`.
export const randomId = () => crypto.randomUUID?.()
  ?? Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, '0')).join('');

/** @param {number | string} value */
export const formatNumber = (value) => Number(value).toLocaleString('en');

// An element shown in its scroll box without moving the page around it, as scrollIntoView would.
/** @param {Element} element @param {Element} box */
export function reveal(element, box) {
  const inner = element.getBoundingClientRect();
  const outer = box.getBoundingClientRect();
  if (inner.top < outer.top) box.scrollTop -= outer.top - inner.top + 4;
  else if (inner.bottom > outer.bottom) box.scrollTop += inner.bottom - outer.bottom + 4;
}

/** @typedef {{ top: number, bottom: number }} View a part of the window */

// The part of the window in which `box` shows its content, without what lies over it.
/**
 * @param {Element} box
 * @param {{ above: Element, below: Element }} around
 * @returns {View}
 */
export function viewOf(box, { above, below }) {
  const { top, bottom } = box.getBoundingClientRect();
  const isOver = (/** @type {Element} */ element) => ['fixed', 'sticky'].includes(getComputedStyle(element).position);
  const ceiling = isOver(above) ? above.getBoundingClientRect().bottom : 0;
  const floor = isOver(below) ? below.getBoundingClientRect().top : innerHeight;
  return { top: Math.max(top, ceiling, 0), bottom: Math.min(bottom, floor, innerHeight) };
}

/** @param {View} view @param {Element} element */
export function isIn(view, element) {
  const { top, bottom, height } = element.getBoundingClientRect();
  return height > 0 && top >= view.top - 1 && bottom <= view.bottom + 1;
}
