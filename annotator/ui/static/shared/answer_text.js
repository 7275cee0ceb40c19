// What an unsaved answer says, in a few words for the list of what was put aside.

const MOST = 3;
const STATES = { unsure: 'cannot tell', cleared: 'unknown' };

// `names`: of the categories by id.
export function worded({ call, data, name }, names) {
  const said = (state) => STATES[state] ?? state;
  if (call === 'probe_answer') return `A blind question: ${said(data.state)}`;
  const { changes } = data;
  const ids = new Set(changes.map(({ image }) => image ?? data.image));
  const where = ids.size > 1 ? `${ids.size} pictures` : name ?? `image ${[...ids][0]}`;
  const parts = new Map();
  for (const { category, state } of changes) {
    const part = `${names?.get(category) ?? 'a category'} ${said(state)}`;
    parts.set(part, (parts.get(part) ?? 0) + 1);
  }
  const listed = [...parts].slice(0, MOST).map(([part, count]) => (count > 1 ? `${part} (${count})` : part));
  const more = parts.size > MOST ? ` and ${parts.size - MOST} more` : '';
  return `${where}: ${listed.join(', ')}${more}`;
}
