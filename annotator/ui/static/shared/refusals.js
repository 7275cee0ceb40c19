// Why there is no answer of the program: it refused in words, or a proxy in front of it said something.

const LONGEST = 500;

/** @type {Record<number, string>} */
const OF_PROXIES = {
  401: 'The proxy in front of the server wants you to sign in; reload the page.',
  403: 'The proxy in front of the server does not let this request through (403 Forbidden); ask whoever runs it.',
  404: 'The proxy in front of the server knows nothing at this address (404 Not Found); reload the page, or ask whoever runs it.',
  413: 'The proxy in front of the server refuses what is this large (413); whoever runs it has to allow more (nginx: client_max_body_size).',
  429: 'The proxy in front of the server refuses so many requests (429); it is tried again later.',
  502: 'The proxy gets no answer from the server (502 Bad Gateway); it may be starting again or has stopped.',
  503: 'The proxy gets no answer from the server (503 Service Unavailable); it may be starting again or has stopped.',
  504: 'The proxy waited too long for the server (504 Gateway Timeout); it is busy or has stopped.',
};

const SIGN_IN = 'A page came in place of an answer, probably that of a sign-in; reload the page to sign in again.';

/** @param {Response} response */
export const isAnswer = (response) => response.ok && (response.headers.get('Content-Type') ?? '').startsWith('application/json');

// One sentence for a person. The program's own reasons are sentences in plain text, or in `detail`.
/** @param {Response} response @returns {Promise<string>} */
export async function reasonOf(response) {
  const { status, type } = response;
  const kind = response.headers.get('Content-Type') ?? '';
  if (type === 'opaqueredirect' || (response.ok && kind.startsWith('text/html'))) return SIGN_IN;
  const text = (await response.text().catch(() => '')).trim();
  const said = kind.startsWith('text/plain') ? text : kind.startsWith('application/json') ? detail(text) : '';
  if (said.length <= LONGEST && /\s.*[.)]$/s.test(said)) return said;
  return OF_PROXIES[status] ?? `The server, or a proxy in front of it, answered something unexpected (${status}); it is tried again.`;
}

// The reason why an image cannot be had, empty if it may come later, null if nobody answers.
/** @param {string} address */
export async function whyMissing(address) {
  try {
    const response = await fetch(address);
    return response.status === 404 ? await reasonOf(response) : '';
  } catch {
    return null;
  }
}

/** @param {string} text */
function detail(text) {
  try {
    const { detail: said } = JSON.parse(text);
    return typeof said === 'string' ? said : '';
  } catch {
    return '';
  }
}
