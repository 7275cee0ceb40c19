// Bookmarks: one key marks the image on the screen, so that this person finds it again.

/** @import { LabelPage } from './label_page.js' */

const AWAY = 'The server does not answer, so the bookmark was not changed; try again in a moment.';

// Shown at once; what the server does not take is taken back, with a sentence.
/** @param {LabelPage} page */
export async function toggleBookmark(page) {
  const item = page.state?.item;
  if (!item) return;
  const on = !item.bookmarked;
  item.bookmarked = on;
  page.draw();
  page.notify(on ? 'Bookmarked; Open (O) lists your bookmarks.' : 'The bookmark is removed.');
  const reply = await page.server.call('bookmark', { image: item.id, on });
  if (reply.ok || item.bookmarked !== on) return; // or pressed again meanwhile
  item.bookmarked = !on;
  page.draw();
  page.notify(reply.message ?? AWAY);
}
