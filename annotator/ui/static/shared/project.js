// Which project this page belongs to. Another one may be served at the same address by now, so every
// request names it, Gradio's own too, and a server of another project refuses. And what comes in place
// of an answer is told in words.

import { isAnswer, reasonOf } from './refusals.js';

const REFUSED = 409;
const API = '/gradio_api/';
const PROGRESS = `${API}upload_progress`; // not found where the upload itself was refused, which is told
const CALLS = `${API}component_server`; // of which Gradio hands on only what is JSON with status 200

const meta = () => /** @type {HTMLMetaElement | null} */ (document.querySelector('meta[name="annotator-project"]'));

// The key and the name of the project, as the server that sent this page said them.
export const projectKey = () => meta()?.content ?? '';
export const projectName = () => meta()?.dataset.name ?? '';

// A project that was copied, moved to another disk or restored bears the same name.
/** @param {string} served */
export const describeServed = (served) => (served === projectName() ? 'a copy of it' : `another project, ${served},`);

// What a page says while another project is served at its address.
/** @param {string} served */
export const otherProjectNotice = (served) => `This page belongs to project ${projectName()}; ${describeServed(served)} is served here now. Reload the page to see it.`;

const plainFetch = window.fetch;

// What is sent while a page closes has to outlive it.
let isLeaving = false;
addEventListener('pagehide', () => { isLeaving = true; }, { capture: true });
addEventListener('pageshow', () => { isLeaving = false; });

window.fetch = async (input, options) => {
  const request = input instanceof Request ? input : null;
  const address = new URL(request?.url ?? String(input), document.baseURI);
  if (address.origin !== location.origin || !projectKey()) return plainFetch(input, options);
  const headers = new Headers(options?.headers ?? request?.headers);
  headers.set('X-Annotator-Project', projectKey());
  const isCall = address.pathname.includes(CALLS);
  // A sign-in page is often on another host, which a browser would not let this page follow to.
  const response = await plainFetch(input, { ...options, headers, keepalive: isLeaving, ...(isCall && { redirect: 'manual' }) });
  if (isCall) return isAnswer(response) ? response : Response.json({ ok: false, away: true, message: await reasonOf(response) });
  if (response.status === REFUSED) response.clone().json().then(({ other_project: served }) => showNotice(otherProjectNotice(served)), () => {});
  else if (response.ok) clearNotice(address.pathname);
  else if (address.pathname.includes(API) && !address.pathname.includes(PROGRESS)) reasonOf(response.clone()).then((reason) => showNotice(reason, address.pathname));
  return response;
};

// The work screens have a line of their own; Gradio's pages only say that they lost the connection.
/** @param {string} text @param {string} [about] the address that refused; of the whole page if there is none */
function showNotice(text, about = '') {
  if (document.querySelector('.an-root')) return;
  const known = document.getElementById('annotator-notice');
  const line = known ?? document.createElement('p');
  line.dataset.about = about;
  if (line.textContent !== text) line.textContent = text; // a change would be read out again
  if (known) return;
  Object.assign(line, { id: 'annotator-notice', role: 'status' });
  Object.assign(line.style, { position: 'sticky', top: 0, zIndex: 40, margin: 0, padding: '8px 16px', background: '#fef3c7', color: '#78350f' });
  document.getElementById('an-frame')?.after(line);
}

// A refusal stands until the same address answers: other parts of the page ask every second.
/** @param {string} address */
function clearNotice(address) {
  const line = document.getElementById('annotator-notice');
  if (line && ['', address].includes(line.dataset.about ?? '')) line.remove();
}
