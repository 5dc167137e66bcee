/* Every test clip by what the study found that this edit moves; those moved the wrong way first. A click loads the clip. */

const STRIP = { height: 96, edge: 24 };

class Scenes {
  constructor(meta, state, choose) {
    Object.assign(this, { meta, state, choose });
    this.root = find("strip");
    addEventListener("resize", () => this.draw());
    this.root.addEventListener("keydown", (event) => this.key(event));
    this.root.addEventListener("click", (event) => {
      const clip = event.target.dataset?.clip;
      if (clip !== undefined) this.choose({ clip: Number(clip) });
    });
  }

  /** (clip, moved) of the clips that the page has, from the least moved on. */
  get order() {
    const { layer, finder, edit } = this.state.now, { effects } = this.meta.measured;
    const exact = effects[`${layer} ${finder} ${edit}`], { best, finders } = this.meta;
    const { moved: all } = exact ?? effects[`${best} ${finders[0]} swap`] ?? Object.values(effects)[0];
    const listed = all.map((moved, clip) => ({ clip, moved })).filter(({ moved }) => moved !== null).sort((a, b) => a.moved - b.moved);
    return { exact: Boolean(exact), listed };
  }

  draw() {
    const width = this.root.clientWidth || 900;
    set(this.root, { viewBox: `0 0 ${width} ${STRIP.height}` });
    const { exact, listed } = this.order, { clip: now } = this.state.now, shown = new Set(this.meta.scenes.map(({ clip }) => clip));
    const values = listed.map(({ moved }) => moved), low = Math.min(0, ...values), high = Math.max(...values), stacks = new Map();
    const across = (value) => STRIP.edge + ((value - low) / (high - low || 1)) * (width - 2 * STRIP.edge);
    const dots = listed.map(({ clip, moved }) => {
      const column = Math.round(across(moved) / 13), height = stacks.get(column) ?? 0;
      stacks.set(column, height + 1);
      const here = shown.has(clip), dot = make("svg:circle", { cx: across(moved), cy: STRIP.height - 30 - height * 13, r: clip === now ? 8 : 5.5,
        class: `scene${moved < 0 ? " wrong" : ""}${clip === now ? " now" : ""}${here ? "" : " absent"}`, "data-clip": here ? clip : null });
      dot.append(make("svg:title", {}, `clip ${clip} (scene ${this.meta.measured.scenes[clip]}): ${number(moved)}${here ? "" : "; not in this page"}`));
      return dot;
    });
    const zero = across(0), axis = [make("svg:line", { x1: zero, x2: zero, y1: 4, y2: STRIP.height - 20, class: "zero" }),
      make("svg:text", { x: zero, y: STRIP.height - 4, class: "tick" }, "0"),
      make("svg:text", { x: width - STRIP.edge, y: STRIP.height - 4, class: "tick end" }, `moved by ${number(high, 1)} logits`)];
    fill(this.root, ...axis, ...dots);
    const wrong = listed.filter(({ moved }) => moved < 0).length;
    const about = `${listed.length} test clips by what the edit moved; ${wrong} the wrong way`;
    set(this.root, { "aria-label": `${about}. Arrow keys go from clip to clip. Now clip ${now}.` });
    const some = `${wrong} of ${listed.length} test clips moved the wrong way (orange, left).`;
    find("strip-say").textContent = (wrong ? some : `None of ${listed.length} test clips moved the wrong way; the least moved lie left.`)
      + (exact ? " As the study measured them, dose 1, to each clip's own twin."
        : " The study did not run this edit at this layer; shown is its leading one.");
  }

  key(event) {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const has = new Set(this.meta.scenes.map(({ clip }) => clip)), clips = this.order.listed.map(({ clip }) => clip).filter((clip) => has.has(clip));
    const next = clips[clamp(clips.indexOf(this.state.now.clip) + step, 0, clips.length - 1)];
    if (next !== undefined) this.choose({ clip: next });
  }
}
