// What the server says to an operation: its labels are the truth, and the page takes them over.

export function confirmed(board, job, result) {
  if (job.call === 'visit') return;
  if (job.call === 'save') {
    board.album.items.get(job.data.image)?.acknowledge(job.data.op, result.labels);
    if (result.late?.length) tellLate(board, result);
    board.draw();
  } else takenBack(board, job, result);
}

export async function refused(board, job, message) {
  board.tell(message);
  board.album.forget(job.data.op);
  if (board.item) await board.album.fetch([board.item.id]);
  board.draw();
}

// An undo or redo: the server chose the operation, which may be of another tab or of yesterday.
async function takenBack(board, job, result) {
  const touched = Object.keys(result.images ?? {}).map(Number);
  for (const id of touched) board.album.items.get(id)?.acknowledge(job.data.op, result.images[String(id)]);
  board.album.forget(job.data.op);
  if (result.nothing) board.tell(`There is nothing to ${job.call}.`);
  const ids = new Set([...touched, board.item?.id].filter(Boolean));
  if (ids.size) await board.album.fetch([...ids]);
  if (result.image && result.image !== board.item?.id) await board.goTo(result.image);
  board.draw();
}

function tellLate(board, result) {
  const id = result.late[0];
  const label = result.labels[String(id)];
  const name = board.rows.byId.get(id)?.name ?? 'a category';
  board.tell(`${label?.by || 'Somebody'} answered ${name} in the meantime; that answer stands, yours is kept beside it.`);
}
