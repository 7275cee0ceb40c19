// Which project this page belongs to. Another one may be served at the same address by now, so every
// request names it, Gradio's own too, and a server of another project refuses.

const meta = () => document.querySelector('meta[name="annotator-project"]');

// The key and the name of the project, as the server that sent this page said them.
export const projectKey = () => meta()?.content ?? '';
export const projectName = () => meta()?.dataset.name ?? '';

const plainFetch = window.fetch;

window.fetch = (input, options) => {
  const request = input instanceof Request ? input : null;
  const isOwn = new URL(request?.url ?? input, document.baseURI).origin === location.origin;
  if (!isOwn || !projectKey()) return plainFetch(input, options);
  const headers = new Headers(options?.headers ?? request?.headers);
  headers.set('X-Annotator-Project', projectKey());
  return plainFetch(input, { ...options, headers });
};
