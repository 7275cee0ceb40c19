// The image on the whole screen, with the page's keys; where a browser refuses that, in its window.

export class FullScreen {
  /** @param {HTMLElement} root @param {{ onChange: () => void }} listeners `onChange`: the image has another size */
  constructor(root, { onChange }) {
    this.root = root;
    this.onChange = onChange;
    this.isOn = false;
    // Esc is the browser's there, and no key of the page.
    document.addEventListener('fullscreenchange', () => { if (!document.fullscreenElement) this.#set(false); });
  }

  toggle() {
    if (this.isOn) this.leave();
    else this.enter();
  }

  async enter() {
    this.#set(true);
    try {
      // The whole document, as the keys look whether the page has a place in it.
      await document.documentElement.requestFullscreen?.();
      if (!this.isOn) this.#release(); // left meanwhile
    } catch {
      // Not allowed, as in a frame or on some phones: the window has to do.
    }
  }

  // True if it was on.
  leave() {
    const had = this.isOn;
    this.#set(false);
    this.#release();
    return had;
  }

  #release() { if (document.fullscreenElement) document.exitFullscreen().catch(() => {}); }

  /** @param {boolean} isOn */
  #set(isOn) {
    if (this.isOn === isOn) return;
    this.isOn = isOn;
    this.root.classList.toggle('an-full', isOn);
    document.body.classList.toggle('an-covered', isOn);
    this.onChange();
  }
}
