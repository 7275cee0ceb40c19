// What an unsaved answer says, in a few words for the list of answers that could not be saved.

/** @import { Job } from './save_queue.js' */

const MOST = 3;

/** @param {string | undefined} state */
const stateText = (state) => ({ unsure: 'cannot tell', cleared: 'unknown' }[state ?? ''] ?? state);

/**
 * @param {Job} job
 * @param {Map<number, string> | undefined} names of the categories by id
 */
export function answerText({ call, data, name }, names) {
  if (call === 'probe_answer') return `A probe: ${stateText(data.state)}`;
  const changes = data.changes ?? [];
  const ids = new Set(changes.map(({ image }) => image ?? data.image));
  const where = ids.size > 1 ? `${ids.size} images` : name ?? `image ${[...ids][0]}`;
  /** @type {Map<string, number>} */
  const parts = new Map();
  for (const { category, state } of changes) {
    const part = `${names?.get(category) ?? 'a category'} ${stateText(state)}`;
    parts.set(part, (parts.get(part) ?? 0) + 1);
  }
  const listed = [...parts].slice(0, MOST).map(([part, count]) => (count > 1 ? `${part} (${count})` : part));
  const more = parts.size > MOST ? ` and ${parts.size - MOST} more` : '';
  return `${where}: ${listed.join(', ')}${more}`;
}
