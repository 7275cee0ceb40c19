// An image that cannot be had now comes by itself later: once the server answers again, or after a moment.

import { whyMissing } from './refusals.js';
import { pause, serverIsBack } from './server.js';

const RETRY_MS = 1500;
const MOST_TRIES = 4; // while the server answers everything else

// Shows another image: a browser would show the one before until it is there.
/** @param {HTMLImageElement} image @param {string} address */
export function turnTo(image, address) {
  image.removeAttribute('src');
  Object.assign(image.style, { backgroundImage: '', content: '' });
  image.src = address;
}

// A small copy of it, until it is there. As `content` it stands in place of what a browser paints,
// a sign and the name, where the image does not come.
/** @param {HTMLImageElement} image @param {string} address */
export function showSmall(image, address) {
  const small = `url("${address}")`;
  Object.assign(image.style, { backgroundImage: small, content: small });
}

/**
 * @param {HTMLImageElement} image
 * @param {{ onMissing?: (reason: string) => void, onWait?: (isAway: boolean) => void }} [listeners]
 *   `onMissing`: it can never be shown, for this reason; `onWait`: it comes later, as
 *   nobody answers or for another reason
 */
export function keepAsking(image, { onMissing = () => {}, onWait = () => {} } = {}) {
  let address = '';
  let tries = 0;
  image.addEventListener('load', () => { image.style.content = ''; });
  image.addEventListener('error', async () => {
    const asked = image.getAttribute('src');
    if (!asked) return;
    const isOther = () => image.getAttribute('src') !== asked;
    const reason = await whyMissing(image.src);
    if (isOther()) return;
    tries = reason === null ? 0 : asked === address ? tries + 1 : 1;
    address = asked;
    if (reason || tries > MOST_TRIES) {
      onMissing(reason || 'This image cannot be shown.');
      return;
    }
    onWait(reason === null);
    if (await serverIsBack()) tries = 0;
    else await pause(RETRY_MS * Math.max(1, tries));
    if (!isOther()) image.setAttribute('src', asked);
  });
}
