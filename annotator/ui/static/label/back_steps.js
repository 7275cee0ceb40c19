// The browser's Back on the Label page: image by image for a few steps, then to the page before. Each
// step is an entry of the browser's history; where it leads is decided when it is taken, by the order of
// the images. More entries than these would keep people on the page.

const MOST = 10;

export class BackSteps {
  #at = stepOf(history.state) ?? 0; // how many entries of this page lie before the current one

  #shown = -1; // the place of the image on the screen

  #isStep = false; // the image comes from Back or Forward, so its entry is there

  /**
   * @param {{ onStep: (by: number) => boolean, onAddress: (said: string) => void }} listeners
   *   `onStep`: false if there is no such image; `onAddress`: what stands behind the # of an address that somebody typed
   */
  constructor({ onStep, onAddress }) {
    this.onStep = onStep;
    this.onAddress = onAddress;
    addEventListener('popstate', ({ state }) => this.#went(stepOf(state)));
  }

  // Another image is on the screen, at this place of the order.
  /** @param {number} image @param {number} place */
  show(image, place) {
    const isNew = place > this.#shown && this.#shown >= 0 && !this.#isStep && this.#at < MOST;
    this.#shown = place;
    this.#isStep = false;
    if (isNew) this.#at += 1;
    this.#write(isNew ? 'pushState' : 'replaceState', image);
  }

  /** @param {number | null} step null for an address that somebody typed
   */
  #went(step) {
    if (step === null) {
      this.#at += 1;
      this.#isStep = true;
      this.onAddress(location.hash.slice(1));
      return;
    }
    const by = step - this.#at;
    this.#at = step;
    this.#isStep = by !== 0 && this.onStep(by);
    if (by < 0 && !this.#isStep) history.go(-1 - step); // before the first image lies the page before
  }

  /** @param {'pushState' | 'replaceState'} call @param {number} image */
  #write(call, image) {
    try {
      history[call]({ ...history.state, step: this.#at }, '', `${location.pathname}${location.search}#${image}`);
    } catch {
      // Browsers allow so many entries a minute; then the address is that of an image before.
    }
  }
}

/** @param {any} state @returns {number | null} */
const stepOf = (state) => (Number.isInteger(state?.step) ? state.step : null);
