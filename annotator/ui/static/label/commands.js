// What each key of the table in keys.js does on the Label page.

const CYCLE = { unknown: 'present', unsure: 'present', conflict: 'present', present: 'absent', absent: 'cleared' };
const REPEATABLE = ['up', 'down', 'next', 'previous', 'zoomIn', 'zoomOut', 'panLeft', 'panRight', 'panUp', 'panDown'];

// A key that is held down does only what may be done many times.
export const mayRepeat = (name) => REPEATABLE.includes(name);

export function actsOf(board) {
  return { ...answers(board), ...moves(board), ...views(board) };
}

function answers(board) {
  const { answering } = board;
  const onRow = (act) => () => { if (board.item && board.focus) act(board.focus.category.id); };
  return {
    accept: onRow((id) => answering.answer(id, 'present')),
    reject: onRow((id) => answering.answer(id, 'absent')),
    unsure: onRow((id) => answering.answer(id, 'unsure')),
    cycle: onRow((id) => answering.answer(id, CYCLE[board.item.state(id)])),
    acceptAll: () => answering.acceptAll(),
    sweep: () => answering.sweep(),
    sweepGroup: onRow((id) => answering.sweep(board.rows.groupOf.get(id))),
    finish: () => { if (!board.item || answering.sweep() !== null) board.next(); },
    undo: () => answering.undo(),
    redo: () => answering.redo(),
  };
}

function moves(board) {
  const { walk } = board;
  return {
    next: () => walk.next(),
    previous: () => walk.go(board.album.at - 1),
    skip: () => walk.skip(),
    goTo: () => board.going.open(),
    up: () => board.move(-1),
    down: () => board.move(1),
    nextSuggestion: () => board.nextSuggestion(),
    find: () => board.finder.enter(),
    groups: () => board.toggleGroups(),
  };
}

function views(board) {
  const { stage: { zoom } } = board;
  const onRow = (act) => () => { if (board.item && board.focus) act(board.item, board.focus.category); };
  return {
    zoom: () => zoom.toggle(),
    zoomIn: () => zoom.closer(),
    zoomOut: () => zoom.farther(),
    panLeft: () => zoom.pan(-1, 0),
    panRight: () => zoom.pan(1, 0),
    panUp: () => zoom.pan(0, -1),
    panDown: () => zoom.pan(0, 1),
    evidence: () => board.toggleEvidence(),
    history: onRow((item, category) => board.telling.open(item, category)),
    hotkey: onRow((item, category) => board.hotkeys.open(category)),
    code: () => board.hotkeys.begin(),
    flag: () => { if (board.item) board.flagging.open(board.item); },
    refresh: () => board.refresh(),
    close: () => board.close(),
    help: () => board.help.showModal(),
  };
}
