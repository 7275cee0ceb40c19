// The two dialogs of the work screens: the keys, and the annotator's name.

import { dialog, h } from './dom.js';
import { isAnswer, reasonOf } from './refusals.js';

// `help`: pairs of keys and what they do.
/** @param {string[][]} help */
export function helpDialog(help) {
  const rows = help.flatMap(([keys, text]) => [
    h('dt', {}, ...keys.split(' ').map((key) => h('kbd', { text: key }))), h('dd', { text })]);
  const element = dialog('Keys', h('dl', {}, ...rows),
    h('form', { method: 'dialog' }, h('button', { class: 'an-btn primary', text: 'Close' })));
  element.addEventListener('keydown', (event) => {
    if (event.key !== '?') return;
    element.close();
    event.stopPropagation(); // the page would open it again
  });
  return element;
}

/** @param {(name: string) => void} onNamed @param {{ submit?: string }} [words] */
export function nameDialog(onNamed, { submit = 'Start labelling' } = {}) {
  const input = h('input', { class: 'an-find', name: 'name', autocomplete: 'name', maxlength: 80, required: true, 'aria-label': 'Your name' });
  const wrong = h('p', { class: 'an-wrong', role: 'alert' });
  const form = h('form', {},
    h('p', { text: 'Your name is saved with your answers, so that everyone can see who answered what. There is no password.' }),
    input, wrong, h('button', { class: 'an-btn primary', type: 'submit', text: submit }));
  const element = dialog('What is your name?', form);
  let needed = true;
  element.addEventListener('cancel', (event) => { if (needed) event.preventDefault(); });
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    const answer = await saveName(input.value);
    wrong.textContent = answer.ok ? '' : answer.message;
    if (!answer.ok) return;
    needed = false;
    element.close();
    onNamed(answer.name);
  });
  // `mayLeave`: Esc keeps the name as it is.
  const open = (/** @type {string} */ name, /** @type {boolean} */ mayLeave) => {
    needed = !mayLeave;
    input.value = name;
    if (!element.open) element.showModal();
    input.focus();
    input.select();
  };
  return { element, open };
}

/**
 * @param {string} name
 * @returns {Promise<{ ok: true, name: string } | { ok: false, message: string }>}
 */
export async function saveName(name) {
  try {
    const response = await fetch('name', {
      method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ name }),
    });
    return isAnswer(response) ? await response.json() : { ok: false, message: await reasonOf(response) };
  } catch {
    return { ok: false, message: 'The server does not answer; try again in a moment.' };
  }
}
