// A finger that sweeps over the image: to the left goes on, to the right goes back.

const FAR = 60; // pixels
const FLAT = 2; // so many times wider than high

/** @param {HTMLElement} element @param {{ left: () => void, right: () => void, isFree: () => boolean }} listeners */
export function onSwipe(element, { left, right, isFree }) {
  /** @type {Touch | null} */
  let from = null;
  element.addEventListener('touchstart', ({ touches }) => { from = touches.length === 1 && isFree() ? touches[0] : null; }, { passive: true });
  element.addEventListener('touchcancel', () => { from = null; });
  element.addEventListener('touchend', ({ changedTouches: [to] }) => {
    if (!from || !isFree()) return;
    const [across, down] = [to.clientX - from.clientX, to.clientY - from.clientY];
    from = null;
    if (Math.abs(across) < FAR || Math.abs(across) < FLAT * Math.abs(down)) return;
    if (across < 0) left(); else right();
  });
}
