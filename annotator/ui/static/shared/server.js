// Calls to the server that never hang and never throw: done, refused and away look different.

import './project.js'; // so that no call goes out that does not name its project

/** @import { QueuedCall } from './save_queue.js' */
/** @import { Replies, Reply, Requests } from './wire.d.ts' */

const PATIENCE_MS = 20000;

let isAway = false;
/** @type {(() => void)[]} */
let waiting = [];

/** @param {boolean} isNow */
function noteAway(isNow) {
  isAway = isNow;
  if (isAway) return;
  for (const go of waiting) go();
  waiting = [];
}

// Waits until the server answers again, and says whether it was away at all.
export async function serverIsBack() {
  const was = isAway;
  if (was) await new Promise((resolve) => { waiting.push(() => resolve(undefined)); });
  return was;
}

export class Server {
  /** @param {Record<string, (data: object) => Promise<any>>} functions what Gradio offers as `server` */
  constructor(functions) {
    this.functions = functions;
    /** @type {string | null} */
    this.me = null; // the annotator's name, once the server has said it
    /** @type {(reply: Reply<{}>) => void} */
    this.onReply = () => {};
  }

  /**
   * @template {keyof Replies} Name
   * @param {Name} name
   * @param {Name extends QueuedCall ? object : Requests[Name]} [data]
   * @returns {Promise<Reply<Replies[Name]>>}
   */
  async call(name, data) {
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let timer;
    const patience = new Promise((resolve) => { timer = setTimeout(() => resolve({ ok: false, away: true, slow: true }), PATIENCE_MS); });
    try {
      const reply = await Promise.race([this.functions[name]({ as: this.me, ...data }), patience]);
      const isReply = typeof reply?.ok === 'boolean';
      noteAway(!isReply || Boolean(reply.away));
      if (!isReply) return { ok: false, away: true };
      this.onReply(reply);
      return reply;
    } catch {
      noteAway(true);
      return { ok: false, away: true };
    } finally {
      clearTimeout(timer);
    }
  }
}

/** @param {number} milliseconds @returns {Promise<void>} */
export const pause = (milliseconds) => new Promise((resolve) => { setTimeout(resolve, milliseconds); });
