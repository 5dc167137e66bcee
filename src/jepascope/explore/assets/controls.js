/* Beside the dose: the same dose on matched controls, and how far edited clips lie from natural ones. */

class Controls {
  constructor(meta, state) {
    Object.assign(this, { meta, state, found: new Map() });
    this.root = find("controls");
  }

  /** A new edit: nothing is known of its controls yet. */
  clear() {
    this.found.clear();
  }

  add({ control, draw }, answer) {
    if (!this.found.has(control)) this.found.set(control, new Map());
    this.found.get(control).set(draw, answer);
  }

  /** What each draw of each control moves, and their mean; in units of ``whole``. */
  means(whole) {
    return [...this.found].map(([name, draws]) => {
      const shares = [...draws.values()].map(({ moved }) => moved / whole);
      return { name, shares, mean: shares.reduce((sum, value) => sum + value, 0) / shares.length };
    });
  }

  draw(answer, expected) {
    const { meta, state: { edit, scene, now } } = this, share = hasShare(answer, edit, scene.own, now.to), whole = share ? answer.whole : 1;
    const own = answer.moved / whole, means = this.means(whole), said = (value) => amount(value, 1, share);
    const names = ["subspace", ...Object.keys(meta.controls).filter((name) => name !== "subspace" && expected.some(({ control }) => control === name))];
    const all = [0, ...(share ? [1] : []), own, ...means.flatMap(({ shares }) => shares)].filter(Number.isFinite), low = Math.min(...all), high = Math.max(...all);
    const place = (value) => `${(96 * (value - low)) / (high - low) + 2}%`;
    fill(this.root, ...names.map((name) => {
      const { words, color, hollow } = meta.controls[name], known = name === "subspace" ? [own] : means.find((one) => one.name === name)?.shares ?? [];
      const mean = known.reduce((sum, value) => sum + value, 0) / known.length, lane = make("span", { class: "lane" });
      lane.append(make("span", { class: "zero", style: `left: ${place(0)}` }), ...(share ? [make("span", { class: "one", style: `left: ${place(1)}` })] : []),
        ...known.filter(Number.isFinite).map((value) => make("span", { class: `dot${hollow ? " hollow" : ""}`, style: `left: ${place(value)}; --own: ${color}` })));
      const row = make("div", { class: `row${name === "subspace" ? " own" : ""}` });
      row.append(make("span", { class: "word" }, words), lane, make("span", { class: "value" }, known.length ? said(mean) : "…"));
      return row;
    }));
    const closest = means.filter(({ mean }) => Number.isFinite(mean)).sort((a, b) => b.mean - a.mean)[0], count = means.reduce((sum, { shares }) => sum + shares.length, 0);
    find("controls-say").textContent = closest && count === expected.length
      ? `Closest: ${meta.controls[closest.name].words}, ${said(closest.mean)}${meta.mode === "replay" ? ", over all test clips."
        : ` (mean of ${closest.shares.length}). One clip shows no more than one clip; the study's claim is over ${meta.measured.scenes.length}.`}`
      : `${count} of ${expected.length} draws computed.`;
  }

  /** Distances from natural clips, each beside where 90 % of unedited test clips lie. */
  natural(answer) {
    const { layer, finder } = this.state.now, { measured } = this.meta;
    const rows = [["inside the subspace", answer.nearest, measured.nearest[`${layer} ${finder}`], "latent units"],
      ["at the last layer", answer.mahalanobis, measured.mahalanobis, "sd"]].filter(([, value, range]) => value !== null && value !== undefined && range);
    find("natural").hidden = !rows.length;
    fill(find("distances"), ...rows.map(([words, value, [from, to], unit]) => {
      const most = Math.max(to * 2, value) * 1.05, place = (at) => `${(100 * at) / most}%`, lane = make("span", { class: "lane" });
      lane.append(make("span", { class: "usual", style: `left: ${place(from)}; width: ${place(to - from)}` }),
        make("span", { class: `dot${value > to ? " far" : ""}`, style: `left: ${place(value)}` }));
      const row = make("div", { class: "row" });
      row.append(make("span", { class: "word" }, words), lane, make("span", { class: "value" }, `${number(value, value < 1 ? 2 : 1)} ${unit}`));
      return row;
    }));
    const far = rows.filter(([, value, [, to]]) => value > to);
    const where = far.map(([words]) => words).join(" and ");
    find("natural-say").textContent = far.length ? `Farther from natural clips than 95 % of unedited ones ${where}: read with care.`
      : "Within the range of unedited test clips (grey: 5 to 95 %).";
  }
}
