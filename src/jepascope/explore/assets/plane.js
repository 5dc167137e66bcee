/* The state: pooled activations in the first two directions of the subspace, with class means, natural clips and where the edit goes. */

const PLANE = 230;

class Plane {
  constructor(meta, state) {
    Object.assign(this, { meta, state, key: "", trail: [] });
    this.root = set(find("plane"), { viewBox: `0 0 ${PLANE} ${PLANE}` });
    this.ground = make("svg:g");
    this.way = make("svg:polyline", { class: "way" });
    this.twin = make("svg:circle", { r: 9, class: "twin" });
    this.clean = make("svg:circle", { r: 5, class: "clean" });
    this.edited = make("svg:circle", { r: 7, class: "edited" });
    fill(this.root, this.ground, this.way, this.clean, this.edited, this.twin);
  }

  /** From the plane's units to those of the drawing; a single direction lies on a line across the middle. */
  fit(points) {
    const [xs, ys] = [0, 1].map((axis) => points.map((point) => point[axis] ?? 0));
    const span = (values) => [Math.min(...values), Math.max(...values)];
    const [x0, x1] = span(xs), [y0, y1] = span(ys), size = Math.max(x1 - x0, y1 - y0, 1e-6) * 1.3;
    this.at = ([x, y = 0]) => [PLANE / 2 + ((x - (x0 + x1) / 2) / size) * PLANE, PLANE / 2 - ((y - (y0 + y1) / 2) / size) * PLANE];
  }

  /** What lies there whatever the edit; drawn anew for another layer or finder. */
  lay(beside = []) {
    const { layer, finder } = this.state.now, plane = this.meta.planes[`${layer} ${finder}`];
    this.plane = plane;
    this.fit([...plane.means, ...plane.natural, ...beside]);
    const line = plane.ring ? [make("svg:polygon", { class: "ring", points: plane.ring.map((point) => this.at(point).join()).join(" ") })] : [];
    const dots = plane.natural.map((point) => { const [cx, cy] = this.at(point); return make("svg:circle", { cx, cy, r: 1.5, class: "natural" }); });
    const names = plane.means.map((point, index) => {
      const [x, y] = this.at(point);
      return make("svg:text", { x, y, class: "class" }, brief(this.meta.classes[index], 9));
    });
    fill(this.ground, ...line, ...dots, ...names);
  }

  draw(answer) {
    const { dose, map, ...rest } = this.state.now, key = JSON.stringify(rest);
    if (`${rest.layer} ${rest.finder}` !== this.laid) {
      this.laid = `${rest.layer} ${rest.finder}`;
      this.lay();
    }
    if (key !== this.key) Object.assign(this, { key, trail: [] });
    this.trail = [...this.trail.filter((point) => point.dose !== dose), { dose, at: answer.plane }].sort((a, b) => a.dose - b.dose);
    if (this.at(answer.plane).some((place) => place < 8 || place > PLANE - 8)) this.lay(this.trail.map(({ at }) => at)); // it left the drawing
    const put = (dot, point) => { const [cx, cy] = this.at(point); set(dot, { cx, cy }); };
    put(this.edited, answer.plane);
    for (const [dot, point] of [[this.clean, answer.plane_before], [this.twin, answer.plane_partner]]) {
      dot.toggleAttribute("hidden", !point);
      if (point) put(dot, point);
    }
    const way = [...(answer.plane_before ? [answer.plane_before] : []), ...this.trail.map(({ at }) => at)];
    set(this.way, { points: way.map((point) => this.at(point).join()).join(" ") });
    const classes = this.meta.classes, where = nearestPlace(answer.plane, this.plane.means);
    this.root.setAttribute("aria-label", `The edited clip lies nearest to the mean of class ${classes[where]}.`);
  }
}

function nearestPlace([x, y = 0], points) {
  const apart = points.map(([a, b = 0]) => (a - x) ** 2 + (b - y) ** 2);
  return apart.indexOf(Math.min(...apart));
}
