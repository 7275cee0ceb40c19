// Calls to the server that never hang and never throw: done, refused and away look different.

const PATIENCE_MS = 20000;
const AWAY = { ok: false, away: true };

export class Server {
  constructor(functions) {
    this.functions = functions;
    this.me = null; // the annotator's name, once the server has said it
  }

  // Answers {ok: true, ...}, {ok: false, refused: true, message} or, if nobody is there, {ok: false, away: true}.
  async call(name, data = {}) {
    let timer;
    const patience = new Promise((resolve) => { timer = setTimeout(() => resolve(AWAY), PATIENCE_MS); });
    try {
      const said = await Promise.race([this.functions[name]({ as: this.me, ...data }), patience]);
      return typeof said?.ok === 'boolean' ? said : AWAY;
    } catch {
      return AWAY;
    } finally {
      clearTimeout(timer);
    }
  }
}

export const pause = (milliseconds) => new Promise((resolve) => { setTimeout(resolve, milliseconds); });
