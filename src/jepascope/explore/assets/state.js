/* What is shown, as the address names it: everything behind the # can be sent to somebody else. */

const FIELDS = ["clip", "edit", "finder", "layer", "to", "dose", "angle", "map"];

class State {
  constructor(meta, listen) {
    Object.assign(this, { meta, listen });
    const edits = meta.edits.map(({ name }) => name), scene = meta.scenes.find(({ clip }) => clip === meta.first);
    this.now = {
      clip: scene.clip, edit: edits.includes("swap") ? "swap" : edits[0], finder: meta.finders[0], layer: meta.best,
      to: scene.partner, dose: 1, angle: null, map: "changed",
    };
    this.take(this.read());
    addEventListener("hashchange", () => this.change(this.read()));
  }

  get scene() {
    return this.meta.scenes.find(({ clip }) => clip === this.now.clip);
  }

  get edit() {
    return this.meta.edits.find(({ name }) => name === this.now.edit);
  }

  get asked() {
    const { map, ...asked } = this.now;
    return { ...asked, angle: this.edit.turns ? asked.angle : null, control: "subspace", draw: 0 };
  }

  /** Draws of controls beside what is asked for, the first of each before the second of any. */
  get beside() {
    const { controls } = this.meta.layers.find(({ layer }) => layer === this.now.layer).finders[this.now.finder];
    return controls.map(({ control, draw }) => ({ ...this.asked, control, draw })).sort((a, b) => a.draw - b.draw);
  }

  /** What the address says; whatever the run does not have is passed over. */
  read() {
    const said = new URLSearchParams(location.hash.slice(1)), found = {};
    for (const name of FIELDS) {
      const text = said.get(name);
      if (text !== null) found[name] = ["edit", "finder", "map"].includes(name) ? text : Number(text);
    }
    if (said.has("to") && this.meta.classes.includes(said.get("to"))) found.to = this.meta.classes.indexOf(said.get("to"));
    return found;
  }

  /** Take over what fits the run: a clip that the page has, a class that its scene can show. */
  take(given) {
    const { meta } = this, next = { ...this.now, ...given };
    const known = {
      clip: meta.scenes.some(({ clip }) => clip === next.clip), edit: meta.edits.some(({ name }) => name === next.edit),
      finder: meta.finders.includes(next.finder), layer: meta.layers.some(({ layer }) => layer === next.layer),
      dose: Number.isFinite(next.dose), map: ["displaced", "changed"].includes(next.map),
    };
    for (const [name, fits] of Object.entries(known)) if (!fits) next[name] = this.now[name];
    next.dose = clamp(next.dose, 0, 2);
    const scene = meta.scenes.find(({ clip }) => clip === next.clip);
    if (!scene.classes.includes(next.to) || next.to === scene.own || ("clip" in given && !("to" in given))) next.to = scene.partner;
    if (!Number.isFinite(next.angle) || next.to !== this.now.to && !("angle" in given)) next.angle = null;
    this.now = next;
  }

  change(given) {
    const before = JSON.stringify(this.now), { clip } = this.now;
    this.take(given);
    if (JSON.stringify(this.now) === before) return;
    this.listen(this.now.clip !== clip);
  }

  /** The address of what is shown. */
  get hash() {
    const { to, ...rest } = this.now, said = new URLSearchParams();
    for (const name of FIELDS) {
      const value = name === "to" ? this.meta.classes[to] : rest[name];
      if (value !== null) said.set(name, name === "dose" || name === "angle" ? String(Math.round(value * 1000) / 1000) : value);
    }
    return `#${said}`;
  }

  write() {
    if (location.hash !== this.hash) history.replaceState(null, "", this.hash);
  }
}
