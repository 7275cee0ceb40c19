// Calls to the server that never hang and never throw: done, refused and away look different.

import './project.js'; // so that no call goes out that does not name its project

const PATIENCE_MS = 20000;
const AWAY = { ok: false, away: true };

export class Server {
  constructor(functions) {
    this.functions = functions;
    this.me = null; // the annotator's name, once the server has said it
    this.onSaid = () => {};
  }

  // Answers {ok: true, ...}, {ok: false, refused: true, message} or, if nobody is there, {ok: false, away: true};
  // with `slow` where somebody may be there, and with `other_project` where it is another project.
  async call(name, data = {}) {
    let timer;
    const patience = new Promise((resolve) => { timer = setTimeout(() => resolve({ ...AWAY, slow: true }), PATIENCE_MS); });
    try {
      const said = await Promise.race([this.functions[name]({ as: this.me, ...data }), patience]);
      if (typeof said?.ok !== 'boolean') return AWAY;
      this.onSaid(said);
      return said;
    } catch {
      return AWAY;
    } finally {
      clearTimeout(timer);
    }
  }
}

export const pause = (milliseconds) => new Promise((resolve) => { setTimeout(resolve, milliseconds); });
