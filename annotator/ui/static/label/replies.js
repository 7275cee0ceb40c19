// What the server says to an operation: its labels are the truth, and the page takes them over.

export function confirmed(board, job, result) {
  if (job.call === 'visit' || job.call === 'probe_answer') return;
  if (job.call === 'save') {
    const item = board.album.items.get(job.data.image);
    item?.acknowledge(job.data.op, result.images[String(job.data.image)] ?? {});
    item?.adoptScores(result.opinion);
    board.album.learn(result.opinion?.rankings);
    if (result.late?.length) tellLate(board, result);
    board.draw();
  } else takenBack(board, job, result);
}

// The row goes back to what the server knows; the answer is put aside, where undo still finds it.
export async function refused(board, job, message) {
  const { op } = job.data;
  if (job.call === 'visit') return;
  board.tell(message);
  if (job.call === 'probe_answer') return;
  board.album.forget(op);
  const ids = new Set([job.data.image, board.item?.id].filter(Boolean));
  await board.album.fetch([...ids]);
  board.draw();
}

// An undo or redo: the server chose the operation, which may be of another tab or of yesterday.
async function takenBack(board, job, result) {
  const { album, answering } = board;
  const touched = Object.keys(result.images ?? {}).map(Number);
  for (const id of touched) album.items.get(id)?.acknowledge(job.data.op, result.images[String(id)]);
  album.forget(job.data.op);
  if (job.target && result.image !== job.image) answering.lose();
  if (result.nothing) board.tell(`There is nothing to ${job.call}.`);
  const ids = [...new Set([...touched, board.item?.id])].filter((id) => album.items.has(id));
  if (ids.length) await album.fetch(ids);
  const elsewhere = result.image && result.image !== board.item?.id;
  if (elsewhere && !job.target && !job.adopted) await board.goTo(result.image);
  board.draw();
}

function tellLate(board, result) {
  const [image, id] = result.late[0];
  const label = result.images[String(image)]?.[String(id)];
  const name = board.rows.byId.get(id)?.name ?? 'a category';
  board.tell(`${label?.by || 'Somebody'} answered ${name} in the meantime; that answer stands, yours is kept beside it.`);
}
