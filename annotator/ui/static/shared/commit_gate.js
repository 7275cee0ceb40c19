// A key that saves many answers at once is taken only once what it is about has been drawn, and a
// moment has passed: nobody saves what they have not seen.

const PATIENCE = 3; // refused keys in a row, after which the reason is said once

export class CommitGate {
  /** @type {number} */
  #openAt = Infinity;

  #refused = 0;

  #isTold = false;

  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /**
   * @param {HTMLElement} root says in `data-wait` that it is too early, for the looks of the buttons
   * @param {number} delay milliseconds from when something is drawn
   * @param {{ tell: (text: string) => void }} view
   */
  constructor(root, delay, { tell }) {
    this.root = root;
    this.delay = delay;
    this.tell = tell;
  }

  // Something else comes on the screen.
  close() {
    clearTimeout(this.#timer);
    this.#openAt = Infinity;
    this.root.dataset.wait = '';
  }

  // It is drawn.
  open() {
    if (this.#openAt < Infinity) return;
    this.#openAt = performance.now() + this.delay;
    this.#timer = setTimeout(() => { delete this.root.dataset.wait; }, this.delay);
  }

  // Whether the key is taken now.
  takes() {
    const isOpen = performance.now() >= this.#openAt;
    this.#refused = isOpen ? 0 : this.#refused + 1;
    if (this.#refused >= PATIENCE && !this.#isTold) {
      this.#isTold = true;
      this.tell(`Keys that save many answers at once wait until the images have been on the screen for ${this.delay / 1000} seconds.`);
    }
    return isOpen;
  }
}
