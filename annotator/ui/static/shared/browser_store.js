// What this browser keeps until a server has it: unsaved answers by project, person and tab.

/** @import { Job } from './save_queue.js' */

/** @param {string} project @param {string} [person] */
export const unsavedPrefix = (project, person) => `annotator-unsaved:${project}:${person === undefined ? '' : `${person}:`}`;

// Of answers that could not be saved. Browsers hold some under this name, so it stays.
/** @param {string} project @param {string} [person] */
export const failedPrefix = (project, person) => `annotator-aside:${project}:${person === undefined ? '' : `${person}:`}`;

/** @param {string} project @param {string} person */
export const lastKey = (project, person) => `annotator-last:${project}:${person}`;

const NAME = 'annotator-project:';

// So that a page of another project can say whose answers wait here.
/** @param {string} project @param {string} name */
export function nameProject(project, name) { store(NAME + project, name); }

/** @param {string} project */
export const nameOfProject = (project) => localStorage.getItem(NAME + project) || 'another project';

// False if the browser's storage is full or switched off; the page says so. Null removes.
/** @param {string} key @param {string | null} text */
export function store(key, text) {
  try {
    if (text === null) localStorage.removeItem(key);
    else localStorage.setItem(key, text);
    return true;
  } catch {
    return false;
  }
}

// Null also where the browser has no storage.
/** @param {string} key */
export function stored(key) {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

/** @param {string} prefix */
export const allKeys = (prefix) => Object.keys(localStorage).filter((key) => key.startsWith(prefix));

// The spelling that tells one person from another, as `domain.name_key` has it.
/** @param {string} name */
export const nameKey = (name) => name.trim().normalize('NFC').toLowerCase().normalize('NFC');

// A name may have a colon in it, the id of a tab has none.
/** @param {string} key @param {string} project */
export function ownerOf(key, project) {
  const owner = key.slice(unsavedPrefix(project).length);
  const end = owner.lastIndexOf(':');
  return { person: owner.slice(0, end), tab: owner.slice(end + 1) };
}

/** @param {string} key @returns {Job[]} */
export function storedJobs(key) {
  const jobs = parsed(key);
  return Array.isArray(jobs) ? jobs.filter((job) => job?.call && job?.data) : [];
}

/** @param {string} key */
export function parsed(key) {
  try {
    return JSON.parse(localStorage.getItem(key) ?? 'null');
  } catch {
    return null;
  }
}
