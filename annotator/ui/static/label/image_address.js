// The image that the address of the Label page names, as in `#17`, and what to do where it names none.

import { BackSteps } from './back_steps.js';
import { END } from './end_page.js';

/** @import { LabelPage } from './label_page.js' */

/** @param {string} said */
const imageOf = (said) => (/^[1-9]\d{0,8}$/.test(said) ? Number(said) : null);

export class ImageAddress {
  /** @param {LabelPage} page */
  constructor(page) {
    this.page = page;
    this.backSteps = new BackSteps({ onStep: (by) => page.state.step(by), onAddress: () => this.#follow() });
  }

  // The number of the image, null if it names none.
  read() {
    const said = location.hash.slice(1);
    const image = imageOf(said);
    if (said && image === null && `#${said}` !== END) this.page.tell(`There is no image ${said} in this project; this is the one where you were.`, 'address');
    return image;
  }

  // It names the image on the screen.
  write() {
    const { item, album } = this.page.state;
    if (item) this.backSteps.show(item.id, album.at);
  }

  // Somebody has typed another one.
  #follow() {
    const { state } = this.page;
    const image = this.read();
    if (image && image !== state.item?.id) state.openImage(image);
    else this.write();
  }
}
