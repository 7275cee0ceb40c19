// An image that cannot be had now comes by itself later: once the server answers again, or after a moment.

import { whyMissing } from './refusals.js';
import { pause, serverIsBack } from './server.js';

const RETRY_MS = 1500;
const MOST_TRIES = 4; // while the server answers everything else

// Shows another image: a browser would show the one before until it is there.
/** @param {HTMLImageElement} image @param {string} address */
export function turnTo(image, address) {
  image.removeAttribute('src');
  image.src = address;
}

/**
 * @param {HTMLImageElement} image
 * @param {{ onMissing?: (reason: string) => void, onWait?: () => void }} [listeners]
 *   `onMissing`: it can never be shown, for this reason; `onWait`: it comes later
 */
export function keepAsking(image, { onMissing = () => {}, onWait = () => {} } = {}) {
  let address = '';
  let tries = 0;
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
    onWait();
    if (await serverIsBack()) tries = 0;
    else await pause(RETRY_MS * Math.max(1, tries));
    if (!isOther()) image.setAttribute('src', asked);
  });
}
