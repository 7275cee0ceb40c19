// What this browser keeps until a server has it: unsaved answers by project, person and tab.

export const unsavedPrefix = (project, person) => `annotator-unsaved:${project}:${person === undefined ? '' : `${person}:`}`;

export const asidePrefix = (project, person) => `annotator-aside:${project}:${person === undefined ? '' : `${person}:`}`;

export const lastKey = (project, person) => `annotator-last:${project}:${person}`;

const NAME = 'annotator-project:';

// So that a page of another project can say whose answers wait here.
export function nameProject(project, name) { keep(NAME + project, name); }

export const nameOfProject = (project) => localStorage.getItem(NAME + project) || 'another project';

// False if the browser's storage is full or switched off; the page says so. Null removes.
export function keep(key, text) {
  try {
    if (text === null) localStorage.removeItem(key);
    else localStorage.setItem(key, text);
    return true;
  } catch {
    return false;
  }
}

export const allKeys = (prefix) => Object.keys(localStorage).filter((key) => key.startsWith(prefix));

// A name may have a colon in it, the id of a tab has none.
export function personOf(key, project) {
  const rest = key.slice(unsavedPrefix(project).length);
  const end = rest.lastIndexOf(':');
  return { person: rest.slice(0, end), tab: rest.slice(end + 1) };
}

export function keptJobs(key) {
  const jobs = parsed(key);
  return Array.isArray(jobs) ? jobs.filter((job) => job?.call && job?.data) : [];
}

export function parsed(key) {
  try {
    return JSON.parse(localStorage.getItem(key));
  } catch {
    return null;
  }
}
