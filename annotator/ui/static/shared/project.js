// Which project this page belongs to. Another one may be served at the same address by now, so every
// request names it, Gradio's own too, and a server of another project refuses.

const REFUSED = 409;

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
  const isOwn = new URL(request?.url ?? String(input), document.baseURI).origin === location.origin;
  if (!isOwn || !projectKey()) return plainFetch(input, options);
  const headers = new Headers(options?.headers ?? request?.headers);
  headers.set('X-Annotator-Project', projectKey());
  const response = await plainFetch(input, { ...options, headers, keepalive: isLeaving });
  if (response.status === REFUSED) response.clone().json().then(({ other_project: served }) => showNotice(served), () => {});
  else if (response.ok) showNotice(null);
  return response;
};

// The work screens have a line of their own; Gradio's pages only say that they lost the connection.
/** @param {string | null} served */
function showNotice(served) {
  const known = document.getElementById('annotator-elsewhere');
  if (!served || document.querySelector('.an-root')) {
    known?.remove();
    return;
  }
  if (known) return;
  const line = document.createElement('p');
  Object.assign(line, { id: 'annotator-elsewhere', role: 'status', textContent: otherProjectNotice(served) });
  Object.assign(line.style, { position: 'sticky', top: 0, zIndex: 40, margin: 0, padding: '8px 16px', background: '#fef3c7', color: '#78350f' });
  document.body.prepend(line);
}
