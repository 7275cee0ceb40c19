// Runs inside the page that is measured, before its own scripts: notes when keys are pressed and when
// what they ask for has been painted. Knows the page only by what it draws.

(() => {
  const PATIENCE_MS = 60000;
  const bench = { usable: 0, times: { paint: [], commit: [], next: [], late: [] }, open: [], going: null, on: false };
  window.bench = bench;
  performance.setResourceTimingBufferSize(20000);

  const find = (selector) => document.querySelector(selector);
  const image = () => find('.an-image');
  const saved = () => find('.an-saved')?.dataset.state === 'saved';
  const painted = () => new Promise((resolve) => { requestAnimationFrame(() => requestAnimationFrame(resolve)); });
  const pause = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });
  const arrived = (address) => performance.getEntriesByName(address).some((entry) => entry.responseEnd > 0);
  const idOf = (address) => Number(/\/img\/1280\/(\d+)/.exec(address)?.[1]);

  const until = async (reached, every = 4) => {
    const late = performance.now() + PATIENCE_MS;
    while (!reached()) {
      if (performance.now() > late) throw new Error(`what was asked for did not come: ${reached}`);
      await pause(every);
    }
  };

  // The picture of the image that the address names is decoded and on the screen.
  async function shown(before) {
    await until(() => image().src !== before, 2);
    await image().decode().catch(() => {});
    await painted();
  }

  bench.shows = () => Boolean(image()?.complete && image().naturalWidth && !image().hidden);
  bench.settled = () => saved() && !bench.open.length && !bench.going;
  bench.start = () => { bench.on = true; };
  bench.stop = () => { bench.on = false; return bench.times; };

  async function pressed(start) {
    await painted();
    bench.times.paint.push(performance.now() - start);
  }

  async function went(start) {
    const before = image().src;
    const place = Number(find('.an-strip .current')?.dataset.place);
    const next = find(`.an-strip [data-place="${place + 1}"]`)?.dataset.id;
    const prepared = next !== undefined && arrived(before.replace(/\/img\/1280\/\d+/, `/img/1280/${next}`));
    bench.going = true;
    await shown(before);
    bench.times[prepared ? 'next' : 'late'].push(performance.now() - start);
    bench.going = null;
  }

  addEventListener('keydown', (event) => {
    if (!bench.on) return;
    if (event.key === 'ArrowRight') went(event.timeStamp);
    else {
      pressed(event.timeStamp);
      queueMicrotask(() => setTimeout(() => { if (!saved()) bench.open.push(event.timeStamp); }, 0));
    }
  }, true);

  bench.jump = async (id) => {
    const start = performance.now();
    const before = image().src;
    const small = before.replace(/\/img\/1280\/\d+/, `/img/256/${id}`);
    const first = until(() => arrived(small)).then(painted).then(() => performance.now() - start);
    location.hash = `#${id}`;
    await shown(before);
    const large = performance.now() - start;
    if (idOf(image().src) !== id) throw new Error(`asked for ${id}, got ${image().src}`);
    return [await first, large];
  };

  // The pictures of another page of the grid are all there and on the screen.
  const first = () => find('.vf-tile');
  bench.filled = () => {
    const tiles = [...document.querySelectorAll('.vf-tile img')];
    return tiles.length > 0 && tiles.every((tile) => tile.complete && tile.naturalWidth);
  };
  async function turned(start, before) {
    await until(() => first() && first() !== before && bench.filled(), 2);
    await painted();
    return performance.now() - start;
  }
  bench.arm = () => {
    const before = first();
    bench.turned = new Promise((resolve) => {
      addEventListener('keydown', (event) => resolve(turned(event.timeStamp, before)), { capture: true, once: true });
    });
  };

  const watch = new MutationObserver(() => {
    if (!saved()) return;
    const now = performance.now();
    for (const start of bench.open.splice(0)) bench.times.commit.push(now - start);
  });

  (async () => {
    await until(() => find('.an-asking .an-row, .vf-tile') && !find('.an-root')?.hasAttribute('aria-busy'));
    await painted();
    bench.usable = performance.now();
    watch.observe(find('.an-saved'), { attributes: true });
  })();
})();
