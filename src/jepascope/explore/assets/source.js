/* Where answers come from when the page computes itself: workers, one for what is asked for and others for the controls beside it. */

class Workers {
  constructor(count, start) {
    this.waiting = [];
    this.serial = 0;
    const address = URL.createObjectURL(new Blob([find("engine").textContent], { type: "text/javascript" }));
    this.all = Array.from({ length: count }, () => this.begun(new Worker(address), start));
  }

  begun(worker, start) {
    const one = { worker, busy: null };
    worker.onmessage = ({ data: { value, error } }) => {
      const { resolve, reject } = one.busy;
      one.busy = null;
      if (error === undefined) resolve(value);
      else reject(new Error(error));
      this.next();
    };
    this.give(one, { task: "start", given: start, resolve: () => {}, reject: ({ message }) => { find("fault").textContent = `The network cannot be run here: ${message}`; } });
    return one;
  }

  give(one, job) {
    one.busy = job;
    one.worker.postMessage({ id: ++this.serial, task: job.task, given: job.given });
  }

  next() {
    for (const one of this.all) if (!one.busy && this.waiting.length) this.give(one, this.waiting.shift());
  }

  ask(task, ...given) {
    return new Promise((resolve, reject) => {
      this.waiting.push({ task, given, resolve, reject });
      this.next();
    });
  }

  /** The same of every worker, before whatever else waits. */
  tell(task, ...given) {
    return Promise.all(this.all.map((one) => new Promise((resolve, reject) => {
      const job = { task, given, resolve, reject };
      const free = () => (one.busy ? setTimeout(free, 4) : this.give(one, job));
      free();
    })));
  }

  /** Controls that nobody waits for any more. */
  forget() {
    const [kept, gone] = [true, false].map((keep) => this.waiting.filter(({ task }) => (task !== "brief") === keep));
    this.waiting = kept;
    gone.forEach(({ reject }) => reject(new Error("forgotten")));
  }
}

class PageSource {
  constructor(meta) {
    this.meta = meta;
    this.scenes = new Map(meta.scenes.map((scene) => [scene.clip, scene]));
    this.unpacked = new Map();
    this.futures = new Map();
  }

  static packed = (name) => find("packs").querySelector(`[data-pack="${CSS.escape(name)}"]`).textContent;

  async start() {
    const names = ["network", "judges", ...this.meta.layers.map(({ layer }) => `site ${layer}`)];
    const arrays = await Promise.all(names.map((name) => unpack(this.meta.packs[name], PageSource.packed(name))));
    const start = [this.meta, Object.fromEntries(names.map((name, i) => [name, arrays[i]]))];
    this.first = new Workers(1, start);
    this.others = new Workers(clamp((navigator.hardwareConcurrency || 2) - 1, 1, 3), start);
  }

  has(clip) {
    return this.scenes.has(clip);
  }

  /** Pixels of a scene, told to the workers: a function of the class -> (frames, 3, rows, columns) in [0, 1]. */
  async load(clip) {
    const scene = this.scenes.get(clip), { frames, size } = this.meta.card;
    if (!this.unpacked.has(clip)) this.unpacked.set(clip, unpack(this.meta.packs[`clip ${clip}`], PageSource.packed(`clip ${clip}`)));
    const arrays = await this.unpacked.get(clip), held = { ...arrays, clipLength: frames * 3 * size * size };
    await Promise.all([this.first.tell("hold", scene, arrays), this.others.tell("hold", scene, arrays)]);
    this.lent(clip).catch(() => {}); // whoever needs it says so
    return { scene, frames, size, of: (shown) => framesOf(held, scene.classes.indexOf(shown), scene.classes.indexOf(scene.own), size) };
  }

  read(asked) {
    return this.first.ask("read", asked);
  }

  /** All clips of a scene, run by another worker than the one that is asked, which then has their states before the arrow gets there;
      and their futures, which forecasts are held against. */
  lent(clip) {
    if (!this.futures.has(clip))
      this.futures.set(clip, this.others.ask("lend", clip).then(({ states, futures }) => {
        this.first.ask("borrow", clip, states);
        return futures;
      }).catch((error) => {
        this.futures.delete(clip);
        throw error;
      }));
    return this.futures.get(clip);
  }

  async forecast(asked) {
    const { clip } = asked, [{ latents, angle }, futures] = await Promise.all([this.first.ask("forecast", asked), this.lent(clip)]);
    const apart = apartOf(latents, futures);
    return { apart, nearest: this.scenes.get(clip).classes[apart.indexOf(Math.min(...apart))], angle };
  }

  control(asked) {
    return this.others.ask("brief", asked);
  }

  forget() {
    this.others.forget();
  }
}
