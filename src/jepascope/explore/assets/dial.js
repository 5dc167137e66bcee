/* The target: an arrow on a ring around the clip for an angle, a slider for a number, buttons for other classes. */

const DIAL = { middle: 150, ring: 118, words: 138, shaft: 92 };

const onDial = (angle, radius) =>
  [DIAL.middle + radius * Math.cos(radians(angle)), DIAL.middle - radius * Math.sin(radians(angle))];

class Dial {
  /** ``choose({to, angle})`` is told where the arrow is dragged. */
  constructor(meta, state, choose) {
    Object.assign(this, { meta, state, choose });
    const root = set(find("dial"), { viewBox: "0 0 300 300" });
    const middle = { cx: DIAL.middle, cy: DIAL.middle };
    this.words = meta.classes.map((name, index) => {
      const [x, y] = onDial(meta.angles[index], DIAL.words);
      return make("svg:text", { x, y, class: "class" }, brief(name));
    });
    this.own = make("svg:path", { class: "own" });
    this.read = make("svg:path", { class: "needle read" });
    this.foreseen = make("svg:path", { class: "needle foreseen" });
    this.shaft = make("svg:line", { class: "shaft" });
    this.tip = make("svg:path", { class: "tip", d: "M 9 0 L -5 7 L -5 -7 Z" });
    this.handle = make("svg:g", { class: "handle", tabindex: 0, role: "slider", "aria-label": `${meta.variable} to edit towards`,
      "aria-valuemin": 0, "aria-valuemax": 359 });
    this.handle.append(make("svg:circle", { r: 22, class: "reach" }), make("svg:circle", { r: 14, class: "knob" }), this.tip);
    const grip = make("svg:circle", { ...middle, r: DIAL.ring, class: "grip" });
    fill(root, make("svg:circle", { ...middle, r: DIAL.ring, class: "ring" }), ...this.words, this.own, this.read, this.foreseen,
      this.shaft, grip, this.handle);
    root.setAttribute("aria-label", `Ring of ${meta.variable}`);
    for (const part of [grip, this.handle]) part.addEventListener("pointerdown", (event) => this.drag(event, root));
    this.handle.addEventListener("keydown", (event) => this.key(event));
  }

  drag(event, root) {
    event.preventDefault();
    this.handle.focus();
    const moved = ({ clientX, clientY }) => {
      const box = root.getBoundingClientRect(), side = box.width / 300;
      const x = clientX - box.left - DIAL.middle * side, y = DIAL.middle * side - (clientY - box.top);
      if (Math.hypot(x, y) > 20) this.go(turned((Math.atan2(y, x) * 180) / Math.PI));
    };
    const done = () => {
      removeEventListener("pointermove", moved);
      for (const name of ["pointerup", "pointercancel"]) removeEventListener(name, done);
    };
    addEventListener("pointermove", moved);
    for (const name of ["pointerup", "pointercancel"]) addEventListener(name, done);
    moved(event);
  }

  /** To the class whose angle is nearest, but never to the clip's own; to the angle itself where the edit reaches it. */
  go(angle) {
    const { scene, edit } = this.state, all = scene.classes.map((shown, i) => ({ shown, apart: Math.abs(between(angle, scene.angles[i])) }));
    const [{ shown }] = all.sort((a, b) => a.apart - b.apart);
    const [{ shown: to }] = all.filter((one) => one.shown !== scene.own);
    this.choose({ to, angle: edit.turns && shown !== scene.own ? Math.round(angle) : null });
  }

  key(event) {
    const steps = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 }, step = steps[event.key];
    if (!step) return;
    event.preventDefault();
    if (this.state.edit.turns && event.shiftKey) return this.go(turned(this.angle + 5 * step));
    const { scene } = this.state, order = scene.classes.filter((shown) => shown !== scene.own)
      .map((shown) => ({ shown, ahead: turned(step * (scene.angles[scene.classes.indexOf(shown)] - this.angle)) }));
    const ahead = order.filter(({ ahead }) => ahead > 1 && ahead < 359).sort((a, b) => a.ahead - b.ahead);
    if (ahead.length) this.choose({ to: ahead[0].shown, angle: null });
  }

  get angle() {
    const { scene, now, asked } = this.state;
    return asked.angle ?? scene.angles[scene.classes.indexOf(now.to)];
  }

  draw() {
    const { scene, now, edit, meta } = this.state, { angle } = this, [x, y] = onDial(angle, DIAL.ring), [x0, y0] = onDial(angle, DIAL.shaft);
    set(this.handle, { transform: `translate(${x} ${y})`, "aria-valuenow": Math.round(turned(angle)),
      "aria-valuetext": this.state.asked.angle === null ? meta.classes[now.to] : `${Math.round(angle)} degrees` });
    set(this.tip, { transform: `rotate(${-angle})` });
    set(this.shaft, { x1: x0, y1: y0, x2: x, y2: y });
    set(this.own, { d: wedge(scene.angles[scene.classes.indexOf(scene.own)], DIAL.ring + 4, 10) });
    this.words.forEach((word, index) => set(word, { class: `class${index === now.to ? " to" : ""}${index === scene.own ? " shown" : ""}` }));
    find("dial").classList.toggle("idle", edit.lost);
  }

  /** Where the linear probe and the forecast point; null hides. */
  needles(read, foreseen) {
    for (const [needle, angle, radius] of [[this.read, read, DIAL.ring - 2], [this.foreseen, foreseen, DIAL.ring - 17]])
      set(needle, { d: angle === null || angle === undefined ? "" : wedge(angle, radius, -13) });
  }
}

/** A pointer on the ring at an angle, its point at ``radius``. */
function wedge(angle, radius, length) {
  const [x, y] = onDial(angle, radius), ends = [-5, 5].map((off) => onDial(angle + off * (length > 0 ? 0.8 : 1), radius + length));
  return `M ${x} ${y} L ${ends.map(([a, b]) => `${a} ${b}`).join(" L ")} Z`;
}

/** A variable that is no angle: its classes as buttons, or in order on a slider where they are numbers. */
class Classes {
  constructor(meta, state, choose) {
    Object.assign(this, { meta, state, choose });
    this.root = find("classes");
    this.root.hidden = false;
  }

  draw() {
    const { scene, now, meta } = this.state, others = scene.classes.filter((shown) => shown !== scene.own);
    if (meta.kind === "numeric" && others.length > 1) {
      const slider = this.slider ??= make("input", { type: "range", min: 0, step: 1, "aria-label": `${meta.variable} to edit towards` });
      set(slider, { max: others.length - 1, "aria-valuetext": meta.classes[now.to] });
      slider.value = String(others.indexOf(now.to));
      slider.oninput = () => this.choose({ to: others[slider.valueAsNumber] });
      if (slider.parentElement !== this.root) fill(this.root, slider, this.word = make("span", { class: "value" }));
      this.word.textContent = meta.classes[now.to];
      return;
    }
    fill(this.root, ...others.map((shown) => {
      const button = make("button", { type: "button", "aria-pressed": String(shown === now.to) }, meta.classes[shown]);
      button.onclick = () => this.choose({ to: shown });
      return button;
    }));
  }

  needles() {}
}
