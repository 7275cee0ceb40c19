// Which project this page belongs to. Another one may be served at the same address by now, so every
// request names it, Gradio's own too, and a server of another project refuses.

const REFUSED = 409;

const meta = () => document.querySelector('meta[name="annotator-project"]');

// The key and the name of the project, as the server that sent this page said them.
export const projectKey = () => meta()?.content ?? '';
export const projectName = () => meta()?.dataset.name ?? '';

// A project that was copied, moved to another disk or restored bears the same name.
export const servedNow = (served) => (served === projectName() ? 'a copy of it' : `another project, ${served},`);

// What a page says while another project is served at its address.
export const belongs = (served) => `This page belongs to project ${projectName()}; ${servedNow(served)} is served here now. Reload the page to see it.`;

const plainFetch = window.fetch;

window.fetch = async (input, options) => {
  const request = input instanceof Request ? input : null;
  const isOwn = new URL(request?.url ?? input, document.baseURI).origin === location.origin;
  if (!isOwn || !projectKey()) return plainFetch(input, options);
  const headers = new Headers(options?.headers ?? request?.headers);
  headers.set('X-Annotator-Project', projectKey());
  const response = await plainFetch(input, { ...options, headers });
  if (response.status === REFUSED) response.clone().json().then(({ other_project: served }) => tell(served), () => {});
  else if (response.ok) tell(null);
  return response;
};

// The work screens have a line of their own; Gradio's pages only say that they lost the connection.
function tell(served) {
  const known = document.getElementById('annotator-elsewhere');
  if (!served || document.querySelector('.an-root')) return known?.remove();
  if (known) return null;
  const line = document.createElement('p');
  Object.assign(line, { id: 'annotator-elsewhere', role: 'status', textContent: belongs(served) });
  Object.assign(line.style, { position: 'sticky', top: 0, zIndex: 40, margin: 0, padding: '8px 16px', background: '#fef3c7', color: '#78350f' });
  return document.body.prepend(line);
}
