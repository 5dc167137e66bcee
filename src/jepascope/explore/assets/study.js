/* Study: edits of the run's test clips, and what is read of them: jepascope.explore.reading, in the page. */

class Study {
  /** ``arrays``: {network, judges, "site 0", ...}; clips are held as they are asked for. */
  constructor(meta, arrays) {
    this.meta = meta;
    this.arrays = arrays;
    this.network = new Network(arrays.network, meta.card);
    this.width = meta.card.width;
    this.held = new Map();
    this.edits = Object.fromEntries(meta.edits.map((entry) => [entry.name, entry]));
    this.controls = {};
    for (const { layer, finders } of meta.layers) this.controls[layer] = finders;
    this.sites = {};
    for (const { layer } of meta.layers) {
      const prefix = `${layer}.`;
      this.sites[layer] = Object.fromEntries(
        Object.entries(arrays[`site ${layer}`]).map(([name, array]) => [name.slice(prefix.length), array]));
    }
  }

  /** ``scene``: as meta describes it; ``arrays``: its pixels and masks. Hidden states are computed when first needed, and kept. */
  hold(scene, arrays) {
    if (this.held.has(scene.clip)) return;
    const { frames, size } = this.meta.card;
    this.held.set(scene.clip, { ...scene, ...arrays, clipLength: frames * 3 * size * size, states: new Map(), futures: null });
    if (this.held.size > 6) this.held.delete(this.held.keys().next().value); // a scene's states are some megabytes
  }

  frames(clip, shown) {
    const scene = this.held.get(clip);
    return framesOf(scene, scene.classes.indexOf(shown), scene.classes.indexOf(scene.own), this.meta.card.size);
  }

  /** Hidden states of a clip as it is, up to a layer; of its beginning alone where ``early``. */
  states(clip, shown, layer, early = false) {
    const kept = this.held.get(clip).states, key = `${shown} ${early}`;
    if (!kept.has(key)) {
      const first = early ? this.states(clip, shown, 0)[0].slice(0, this.early * this.width) : this.network.embed(this.frames(clip, shown));
      kept.set(key, [first]);
    }
    const states = kept.get(key);
    while (states.length <= layer) states.push(this.network.run(states.at(-1), states.length - 1, states.length));
    return states;
  }

  /** Tokens of the beginning that the predictor is shown. */
  get early() {
    const { tokens, grid } = this.meta.card;
    return (this.meta.context * tokens) / grid[0];
  }

  /** Which tokens are edited or read towards a class; null for all of them. */
  mask(scene, which, to, count) {
    if (!scene[which]) return null;
    const from = scene.classes.indexOf(to) * this.meta.card.tokens;
    return scene[which].subarray(from, from + count);
  }

  /** The basis of the subspace or of a control's draw, and how the true edit's coordinates are taken over or matched. */
  condition({ layer, finder, edit: name, control, draw }) {
    const site = this.sites[layer], own = site[`${finder}.basis`], rank = own.length / this.width;
    if (control === "subspace") return { basis: own, frame: own, rank };
    const carried = this.edits[name].takes_over.includes(control);
    const drawn = this.controls[layer][finder].controls.find((one) => one.control === control && one.draw === draw);
    const basis = site[`${finder}.${control}.${draw}.${carried ? "frame" : "basis"}`];
    return { basis, frame: carried ? own : basis, rank, matched: drawn.rescale && !carried ? own : null };
  }

  /** Hidden states by layer after the edit, from its layer on, and what it adds to the pooled activation there. */
  edited(asked, early = false) {
    const { clip, layer, finder, to, dose, edit: name } = asked, { width, meta } = this;
    const scene = this.held.get(clip), site = this.sites[layer], hidden = this.states(clip, scene.own, layer, early)[layer];
    const count = hidden.length / width, mask = this.mask(scene, "edited", to, count), read = this.mask(scene, "read", to, count);
    const { basis, frame, rank, matched } = this.condition(asked), radians = (angle) => (angle * Math.PI) / 180;
    const partner = name === "swap" ? this.states(clip, to, layer, early)[layer] : null;
    const moved = DISPLACEMENTS[name]({
      hidden, partner, site, width, own: scene.own, to,
      mean: site[`${finder}.mean`], donor: meta.donor, ablateTo: meta.ablate_to,
      pooled: pooled(hidden, width, this.mask(scene, "objects", scene.own, count)),
      pooledPartner: partner && pooled(partner, width, this.mask(scene, "objects", to, count)),
      angle: scene.angles && radians(scene.angles[scene.classes.indexOf(scene.own)]),
      wanted: scene.angles && radians(asked.angle ?? scene.angles[scene.classes.indexOf(to)]),
    });
    const norms = matched && rowNorms(coordinates(moved, matched, width, rank), rank);
    const inside = coordinates(moved, frame, width, rank, mask, norms);
    const states = { [layer]: edit(hidden, inside, basis, width, rank, dose) };
    this.network.run(states[layer], layer, meta.card.depth, (at, now) => { states[at] = now; });
    const shift = timesTransposed(pooled(inside, rank, read), 1, basis, width, rank).map((value) => value * dose);
    return { states, shift, basis, rank, read };
  }

  logits(judge, x) {
    const name = `${judge}.${this.meta.card.depth}`;
    return this.arrays.judges[`${name}.inner`] ? mlpLogits(this.arrays.judges, name, x) : readOut(this.arrays.judges, name, x);
  }

  /** As ``jepascope.explore.reading.read``; ``brief``: without what is shown token by token. */
  read(asked, brief = false) {
    const { clip, layer, finder, to } = asked, depth = this.meta.card.depth, { judges } = this.arrays, { width } = this;
    const scene = this.held.get(clip), { own } = scene, { lost } = this.edits[asked.edit];
    const { states, shift, basis, rank, read } = this.edited(asked);
    const clean = this.states(clip, own, depth), last = pooled(states[depth], width, read);
    const before = this.logits("probe", pooled(clean[depth], width, read));
    const partner = this.logits("probe", pooled(this.states(clip, to, depth)[depth], width, read));
    const edited = this.logits("probe", last), site = this.sites[layer];
    const here = pooled(clean[layer], width, read).map((value, j) => value + shift[j]);
    const answer = {
      ...outcomeOf(edited, before, partner, lost, own, to),
      margin: marginOf(edited, lost, own, to), margin_before: marginOf(before, lost, own, to),
      nearest: site.natural ? nearestOf(site.natural, here, basis, rank) : null,
      mahalanobis: judges["natural.mean"] ? mahalanobisOf(judges, last) : null,
    };
    if (brief) return answer;
    const axes = site[`${finder}.basis`], plane = (at) => Array.from(times(at, 1, axes, width, axes.length / width).subarray(0, 2));
    const at = (shown) => pooled(this.states(clip, shown, layer)[layer], width, read);
    return {
      ...answer, ...this.byToken(asked, states, clean, read), plane: plane(here), plane_before: plane(at(own)), plane_partner: plane(at(to)),
      logits: Object.fromEntries(Object.keys(this.meta.judges).filter((name) => !(name in this.meta.left_out))
        .map((name) => [name, this.logits(name, last)])),
      before, partner, angle: judges["angle.weight"] ? degrees(readOut(judges, "angle", last)) : null,
    };
  }

  /** How far each token moved, and its share of the change of the margin by each layer's own probe. */
  byToken({ layer, to, clip, edit: name }, states, clean, read) {
    const { width } = this, { own } = this.held.get(clip), { lost } = this.edits[name], displaced = [], changed = [];
    for (let at = layer; at <= this.meta.card.depth; at++) {
      const weight = this.arrays.judges[`probe.${at}.weight`], classes = weight.length / width, slope = new Float64Array(width);
      for (let j = 0; j < width; j++) slope[j] = marginOf(Array.from({ length: classes }, (_, k) => weight[k * width + j]), lost, own, to);
      const tokens = states[at].length / width, seen = read ? read.reduce((sum, one) => sum + one, 0) : tokens;
      const norms = new Float64Array(tokens), shares = new Float64Array(tokens);
      for (let i = 0, from = 0; i < tokens; i++)
        for (let j = 0; j < width; j++, from++) {
          const apart = states[at][from] - clean[at][from];
          norms[i] += apart * apart;
          if (!read || read[i]) shares[i] += (apart * slope[j]) / seen;
        }
      displaced.push(Array.from(norms, Math.sqrt));
      changed.push(Array.from(shares));
    }
    return { displaced, changed };
  }

  /** Really rendered futures of the scene showing each of its classes, as the predictor was trained to forecast them. */
  futures(clip) {
    const scene = this.held.get(clip), { depth } = this.meta.card, { network } = this;
    scene.futures ??= scene.classes.map((shown) =>
      network.forecastSpace(network.norm(this.states(clip, shown, depth)[depth])).slice(this.early * this.width));
    return scene.futures;
  }

  /** Hidden states of all clips of a scene as they are, and their futures where there is a predictor; for another worker. */
  lend(clip) {
    const scene = this.held.get(clip);
    for (const shown of scene.classes) this.states(clip, shown, this.meta.card.depth);
    const states = [...scene.states].filter(([key]) => key.endsWith("false"));
    return { states, futures: this.meta.predictor ? this.futures(clip) : null };
  }

  borrow(clip, states) {
    const kept = this.held.get(clip)?.states;
    if (kept) for (const [key, lent] of states) if (!(kept.get(key)?.length >= lent.length)) kept.set(key, lent);
  }

  /** The predictor's forecast from the edited beginning, and the angle (degrees) that is read from it. */
  forecast(asked) {
    const { states } = this.edited(asked, true), latents = this.network.forecast(this.network.norm(states[this.meta.card.depth]));
    const angle = this.arrays.judges["forecast.angle.weight"] ? degrees(readOut(this.arrays.judges, "forecast.angle", this.coarse(latents))) : null;
    return { latents, angle };
  }

  /** As ForecastJudge.coarse lays a future out: (time, width, row, column); grids of at most 8 places a side are not averaged. */
  coarse(latents) {
    const { grid: [, rows, columns] } = this.meta.card, { width } = this, places = rows * columns, times = latents.length / width / places;
    const out = new Float64Array(latents.length);
    for (let t = 0, at = 0; t < times; t++)
      for (let j = 0; j < width; j++) for (let i = 0; i < places; i++) out[at++] = latents[(t * places + i) * width + j];
    return out;
  }
}
