// Walks through many images of the Label page, with a server that answers at once and has no end of them.
async ({ most, images }) => {
  const loaded = performance.getEntriesByType('resource').map(({ name }) => name);
  const folder = loaded.find((name) => name.includes('/label/label_page.js')).split('/label/')[0];
  const { LabelPage } = await import(`${folder}/label/label_page.js`);
  const pixels = { set() {}, get: () => '', configurable: true };
  Object.defineProperty(HTMLImageElement.prototype, 'src', pixels); // no picture is asked for
  HTMLImageElement.prototype.decode = async () => {};

  const categories = Array.from({ length: 4 }, (_, at) => ({
    id: at + 1, name: `category ${at}`, supercategory: '', ordinal: at, aliases: [], description: '', key: '',
  }));
  const project = { name: 'Long', description: '', key: 'long', ancestors: [] };
  let given = 0;
  let asked = 0;
  const answers = {
    start: () => ({
      annotator: 'Ann', said: 'Ann', former: [], project, categories, implies: {}, merged: {},
      categories_revision: 'r', version: null, total: 1e6, resume: null, ordered: true,
      labelling: { enter: 'complete', commit_delay_ms: 0 },
    }),
    state: () => ({
      project: 'Long', version: null, problem: '', ordered: true, images: 1e6, images_done: 0, time_left: '',
      today: { answers: 0, images: 0, per_minute: null }, until_suggestions: '', answered: 0, filled: 0, open: 0, suggestions: 0,
      suggestions_about: false, categories_revision: 'r', trainer: {
        state: 'idle', stage: '', done: 0, total: 0, loss: null, message: '', worker_alive: true } }),
    next_images: ({ count, exclude }) => {
      asked = Math.max(asked, exclude.length);
      return { images: Array.from({ length: count }, () => (given += 1)), done: false };
    },
    items: ({ ids }) => ({ items: ids.slice(0, most).map((id) => ({
      id, name: `${id}.png`, width: 4, height: 3, problem: null, labels: {}, unsure: [], filled: {}, flags: [],
      version: null, bookmarked: false, asked_by: 'order', scores: {}, ranked: [], suggested: [], ask: categories.map((each) => each.id),
    })) }),
    image_marks: () => ({ marks: [] }),
    rare_categories: () => ({ rare: [] }),
    save: ({ op, image, changes }) => {
      const label = { state: 'present', answer: 1, source: 'human', by: 'Ann', mine: true, conflict: false };
      const labels = Object.fromEntries(changes.map(({ category }) => [category, label]));
      return { op, repeated: false, images: { [image]: labels }, late: [], left_out: [], archived: [], merged: [] };
    },
  };
  const names = [...Object.keys(answers), 'visit', 'probe_due', 'release', 'undo'];
  const functions = Object.fromEntries(names.map((name) => [name, async (data) => ({ ok: true, ...answers[name]?.(data) })]));
  const root = document.body.appendChild(document.createElement('div'));
  const page = new LabelPage(root, functions);
  while (!page.state) await new Promise((resolve) => setTimeout(resolve, 10));
  page.state.view.isDrawn = () => true;
  while (!page.state.item) await new Promise((resolve) => setTimeout(resolve, 10));

  const measured = () => ({
    ids: page.state.album.ids.length, items: page.state.album.items.size, skipped: page.state.album.skipped.size,
    undo: page.state.remembered, jobs: page.queue.jobs.length, elements: root.querySelectorAll('*').length,
    trail: sessionStorage.getItem('annotator-trail:long:Ann').length, asked,
  });
  const walk = async (count) => {
    for (let step = 0; step < count; step += 1) {
      page.state.toggle(1 + (step % 4), 'present');
      if (step % 7) await page.state.next(); else await page.state.skip();
    }
  };
  await walk(500);
  const before = measured();
  await walk(images - 500);
  for (let back = 0; back < 30; back += 1) await page.state.previous();
  const place = page.state.album.ids[page.state.album.at];
  return { before, after: measured(), place, name: page.stage.place.textContent, given };
}
