/* The page: what is asked for, in which order it is computed, and what is drawn when it is there. */

class Page {
  constructor(meta) {
    this.meta = meta;
    this.source = meta.mode === "page" ? new PageSource(meta) : meta.mode === "server" ? new ServerSource(meta) : new ReplaySource(meta);
    this.state = new State(meta, (clip) => this.changed(clip));
    this.kept = new Map(); // answers by what was asked for
    this.latency = [];
    const choose = (given) => this.choose(given);
    this.parts = {
      target: meta.angles ? new Dial(meta, this.state, choose) : new Classes(meta, this.state, choose),
      tokens: new Tokens(meta, this.state), plane: new Plane(meta, this.state), reads: new Reads(meta, this.state),
      controls: new Controls(meta, this.state), scenes: new Scenes(meta, this.state, choose), python: new Python(), player: new Player(),
    };
    this.words();
    this.pickers();
    this.chosen();
  }

  words() {
    const { model, variable, angles, mode, headline } = this.meta;
    find("first").textContent = `${angles ? "Drag the arrow" : `Choose another ${variable}`}: what does ${model} then see?`;
    find("mode").textContent = {
      page: "Computed in this page: the encoder itself runs here, and nothing is sent.",
      server: "Computed by jepascope on this machine, which this page asks.",
      replay: "Replayed: what the run stored. To compute other doses: jepascope explore RUN --serve.",
    }[mode];
    find("headline").textContent = headline;
    document.body.classList.toggle("angle", Boolean(angles));
    for (const element of document.getElementsByClassName("computed")) element.hidden = mode === "replay";
  }

  /** An edit that only takes away has no target: asking for one means a swap. */
  choose(given) {
    const swap = this.state.edit.lost && "to" in given && this.meta.edits.find(({ lost }) => !lost);
    this.state.change(swap ? { ...given, edit: swap.name } : given);
  }

  pickers() {
    const { meta, state } = this, picker = (id, entries, name) => fill(find(id), ...entries.map(([value, words, title]) => {
      const input = make("input", { type: "radio", name, value, id: `${name}-${value}` }), label = make("label", { for: input.id, title }, words);
      input.onchange = () => state.change({ [name]: name === "layer" ? Number(value) : value });
      const both = make("span", { class: "choice" });
      both.append(input, label);
      return both;
    }));
    const names = { spline: "along the ring" };
    picker("edits", meta.edits.map(({ name, meaning }) => [name, names[name] ?? name, meaning]), "edit");
    const claimed = (layer) => (layer === meta.best ? [`${layer}*`, "the layer of the study's claims"] : [String(layer), null]);
    picker("layers", meta.layers.map(({ layer }) => [layer, ...claimed(layer)]), "layer");
    picker("finders", meta.finders.map((name) => [name, name]), "finder");
    picker("maps", [["changed", "what it changes"], ["displaced", "how far it moves"]], "map");
    find("dose").oninput = ({ target }) => state.change({ dose: target.valueAsNumber });
    find("play").onclick = () => { find("play").textContent = this.parts.player.toggle() ? "Play" : "Pause"; };
    find("play").textContent = this.parts.player.still ? "Play" : "Pause";
  }

  /** Everything that says what is asked for; nothing is computed for it. */
  chosen() {
    const { state, meta, parts } = this, { now, edit, scene } = state;
    for (const name of ["edit", "layer", "finder", "map"]) {
      const input = find(`${name}-${now[name]}`);
      if (input) input.checked = true;
    }
    if (this.source.doses) now.dose = nearestTo(now.dose, this.source.doses(now));
    if (find("dose").valueAsNumber !== now.dose) find("dose").value = String(now.dose);
    find("dose-value").textContent = number(now.dose);
    find("dose-say").textContent = `${edit.dose[0].toUpperCase()}${edit.dose.slice(1)}.`;
    find("own-say").textContent = `the clip: ${meta.classes[scene.own]}`;
    find("twin-say").textContent = `${meta.donor === "twin" ? "its twin" : "the donor"}: ${meta.classes[now.to]}`;
    parts.target.draw();
    parts.scenes.draw();
  }

  changed(clip) {
    this.since = performance.now();
    this.chosen();
    clearTimeout(this.later);
    this.later = setTimeout(() => { this.state.write(); this.beside(); }, 150);
    this.source.forget();
    if (clip) this.load();
    else this.compute();
  }

  async load() {
    const { clip } = this.state.now;
    this.pixels = null;
    const pixels = await this.source.load(clip);
    if (clip !== this.state.now.clip) return;
    this.pixels = pixels;
    this.parts.player.show(find("own"), pixels.of(pixels.scene.own), pixels.frames, pixels.size);
    await this.compute();
  }

  /** One question at a time: while it is answered, only the latest one waits. */
  async compute() {
    if (!this.pixels || this.computing) return;
    this.computing = true;
    try {
      for (let asked = null; JSON.stringify(asked) !== JSON.stringify(this.state.asked) && this.pixels; ) {
        asked = this.state.asked;
        await this.answered(asked, this.since);
      }
    } catch (error) {
      find("fault").textContent = `It cannot be computed: ${error.message}`;
    } finally {
      this.computing = false;
    }
  }

  async answered(asked, since) {
    const key = JSON.stringify(asked), { pixels } = this;
    const answer = this.kept.get(key) ?? await this.source.read(asked);
    this.kept.set(key, answer);
    if (pixels !== this.pixels) return;
    this.answer = answer;
    this.show(asked, answer);
    if (since) this.latency.push(performance.now() - since);
    if (this.meta.predictor && JSON.stringify(this.state.asked) === key) {
      const forecast = await this.source.forecast(asked);
      if (JSON.stringify(this.state.asked) === key) {
        this.parts.reads.foresee(forecast);
        this.parts.target.needles(answer.angle, forecast?.angle);
      }
    }
  }

  show(asked, answer) {
    const { parts, pixels, meta } = this;
    find("fault").textContent = "";
    if (this.twin !== `${asked.clip} ${asked.to}`) {
      this.twin = `${asked.clip} ${asked.to}`;
      parts.player.show(find("twin"), pixels.of(asked.to), pixels.frames, pixels.size);
    }
    parts.reads.draw(answer);
    parts.target.needles(answer.angle, undefined);
    if (answer.changed) parts.tokens.draw(answer, parts.player.shown.get(find("own")));
    if (answer.plane) parts.plane.draw(answer);
    parts.controls.clear();
    parts.controls.draw(answer, this.state.beside);
    parts.controls.natural(answer);
    if (answer.logits) parts.python.draw(meta, asked, answer);
    document.body.dataset.shown = JSON.stringify(asked);
  }

  /** The same on every control, once nothing has been moved for a moment; each is drawn when it is there. */
  async beside() {
    const { asked, beside } = this.state, key = JSON.stringify(asked), same = () => JSON.stringify(this.state.asked) === key;
    while (same() && (this.computing || !this.pixels)) await new Promise((resolve) => setTimeout(resolve, 20));
    await Promise.all(beside.map(async (one) => {
      try {
        const name = JSON.stringify(one), answer = this.kept.get(name) ?? await this.source.control(one);
        this.kept.set(name, answer);
        if (!same()) return;
        this.parts.controls.add(one, answer);
        this.drawControls ??= requestAnimationFrame(() => {
          this.drawControls = null;
          if (this.answer) this.parts.controls.draw(this.answer, this.state.beside);
        });
      } catch (error) {
        if (error.message !== "forgotten") find("fault").textContent = `A control cannot be computed: ${error.message}`;
      }
    }));
    if (same() && this.kept.size > 4000) this.kept.clear();
  }

  async start() {
    try {
      await this.source.start();
    } catch (error) {
      find("fault").textContent = `This page needs a browser of 2023 or later (${error.message}).`;
      throw error;
    }
    this.changed(true);
    await new Promise((resolve) => { const wait = () => (document.body.dataset.shown ? resolve() : setTimeout(wait, 20)); wait(); });
  }
}

const nearestTo = (value, known) => known.reduce((near, one) => (Math.abs(one - value) < Math.abs(near - value) ? one : near), known[0]);

const page = new Page(JSON.parse(find("meta").textContent));
/** For tests and for the curious: what was asked for and answered, and answers to any question. */
window.jepascope = {
  page, ready: page.start(), latency: page.latency,
  answer: async (asked) => ({ ...await page.source.read(asked), forecast: page.meta.predictor ? await page.source.forecast(asked) : null }),
  load: (clip) => page.source.load(clip), states: (asked) => page.source.first.ask("states", asked),
};
