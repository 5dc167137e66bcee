/* What every judge reads: classes, margin, angle; and to which rendered future the forecast is nearest. */

const largest = (values) => values.indexOf(Math.max(...values));

/** Whether a share can be said of what is moved: the main judge reads the clip right, and so the partner that it is moved to. */
function hasShare(answer, { lost }, own, to) {
  return !answer.logits || (largest(answer.before) === own && (lost || largest(answer.partner) === to));
}

/** What is moved, in the share or, where there is none, in logits. */
const amount = (moved, whole, share) => (share ? percent(moved / whole) : number(moved));

class Reads {
  constructor(meta, state) {
    Object.assign(this, { meta, state });
    this.rows = meta.classes.map((name) => {
      const bar = make("span", { class: "bar" }), before = make("span", { class: "tick before" }), partner = make("span", { class: "tick partner" });
      const word = make("span", { class: "word" }, name), value = make("span", { class: "value" }), lane = make("span", { class: "lane" });
      lane.append(bar, before, partner);
      const row = make("div", { class: "row" });
      row.append(word, lane, value);
      return { row, word, bar, before, partner, value };
    });
    fill(find("bars"), ...this.rows.map(({ row }) => row));
    this.futures = new Map();
  }

  draw(answer) {
    const { scene, now, edit, meta } = this.state;
    if (!answer.logits) return this.replay(answer);
    const main = Object.keys(answer.logits)[0], logits = answer.logits[main];
    const all = [...logits, ...(answer.before ?? []), ...(answer.partner ?? [])], low = Math.min(...all), high = Math.max(...all);
    const place = (value) => `${(100 * (value - low)) / (high - low || 1)}%`, best = largest(logits);
    this.rows.forEach(({ row, bar, before, partner, value }, index) => {
      row.className = `row${index === best ? " best" : ""}${index === now.to ? " to" : ""}${index === scene.own ? " own" : ""}`;
      bar.style.width = place(logits[index]);
      if (answer.before) before.style.left = place(answer.before[index]);
      if (answer.partner) partner.style.left = place(answer.partner[index]);
      value.textContent = number(logits[index], 1);
    });
    const share = hasShare(answer, edit, scene.own, now.to), own = meta.classes[scene.own], to = meta.classes[now.to];
    find("share").textContent = amount(answer.moved, answer.whole, share);
    find("share").classList.toggle("wrong", answer.moved < 0);
    find("share-say").textContent = this.sentence(answer.moved, share, own, to);
    const margin = `Margin ${edit.lost ? `for ${own}` : `of ${to} over ${own}`}`;
    find("margin-say").textContent = `${margin}: ${number(answer.margin_before)} → ${number(answer.margin)}`
      + (edit.lost ? "." : `; a real ${to} clip has ${number(answer.margin_before + answer.whole)}.`);
    const others = Object.entries(answer.logits).slice(1).map(([name, read]) =>
      `${meta.judges[name]} reads ${meta.classes[largest(read)]}`);
    const angle = answer.angle === null ? [] : [`the angle is read as ${number(turned(answer.angle), 0)}°`];
    find("judges-say").textContent = [`The linear probe reads ${meta.classes[best]}`, ...others, ...angle].join("; ") + ".";
  }

  /** What the number above says. */
  sentence(moved, share, own, to) {
    const { lost } = this.state.edit, misread = lost ? "this clip" : "this clip or its twin";
    if (!share) return `logits ${lost ? `of ${own} lost` : `towards ${to}`}: unedited, the probe misreads ${misread}, so no share is said`;
    if (lost) return `of the margin for ${own} is gone${moved < 0 ? ": it grew" : ""}`;
    return moved < 0 ? `the wrong way: away from ${to}` : `of the way from ${own} to ${to}`;
  }

  /** What the run stored: CE over all test clips, and what it measured of this one at dose 1. */
  replay({ moved, low, high, n, dose, clip }) {
    const { scene, now, edit, meta } = this.state, own = meta.classes[scene.own], to = meta.classes[scene.partner];
    find("share").textContent = percent(moved);
    find("share").classList.toggle("wrong", moved < 0);
    find("share-say").textContent = edit.lost ? "of the margin is gone" : "of the way to the partner's class";
    const interval = low === null ? "" : ` [${number(low)}, ${number(high)}]`;
    find("margin-say").textContent = n ? `Stored at dose ${number(dose)}, over ${n} scenes: CE ${number(moved)}${interval}.`
      : Number.isNaN(moved) ? "The study has no effect to show: its judge reads no margin." : "Nothing is changed at dose 0.";
    const way = edit.lost ? `of class ${own}` : `from ${own} to ${to}`, known = clip && clip.whole !== null;
    find("judges-say").textContent = known ? `This clip at dose 1, ${way}: ${number(clip.moved)} of ${number(clip.whole)} logits.` : "";
    for (const name of ["bars", "bars-key", "forecast"]) find(name).hidden = true;
    document.querySelector(".inside").hidden = true;
  }

  /** ``forecast``: null while it is computed, or where there is no predictor. */
  foresee(forecast) {
    const { scene, meta } = this.state;
    find("forecast").hidden = !meta.predictor;
    if (!forecast) return;
    const most = Math.max(...forecast.apart);
    fill(find("futures"), ...scene.classes.map((shown, i) => {
      const bar = make("span", { class: "bar", style: `height: ${Math.round(100 * (1 - forecast.apart[i] / most) * 0.9 + 8)}%` });
      const column = make("div", { class: `future${shown === forecast.nearest ? " best" : ""}`, title: `distance ${number(forecast.apart[i], 3)}` });
      column.append(bar, make("span", { class: "word" }, meta.classes[shown]));
      return column;
    }));
    const angle = forecast.angle === null ? "" : `; its angle is read as ${number(turned(forecast.angle), 0)}°`;
    find("forecast-say").textContent = "Shown the edited beginning, the predictor's forecast is nearest to the rendered future "
      + `${meta.classes[forecast.nearest]}${angle}.`;
  }
}
