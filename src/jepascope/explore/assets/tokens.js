/* Layer by token: what the edit moves where, and what that changes of the read-out. */

const MOST_LAYERS = 5, MOST_TIMES = 8;

/** At most so many of 0 .. count - 1, evenly, the first and the last among them. */
function spread(count, most) {
  const some = Math.min(count, most);
  return Array.from({ length: some }, (_, i) => (some > 1 ? Math.round((i * (count - 1)) / (some - 1)) : 0));
}

class Tokens {
  constructor(meta, state) {
    Object.assign(this, { meta, state, most: 0, key: "" });
    this.canvas = find("tokens");
  }

  /** The largest value so far of this edit, so that a smaller dose is seen to be smaller. */
  scale(values) {
    const { dose, ...rest } = this.state.now, key = JSON.stringify(rest);
    if (key !== this.key) Object.assign(this, { key, most: 0 });
    for (const row of values) for (const value of row) this.most = Math.max(this.most, Math.abs(value));
    return this.most || 1;
  }

  draw(answer, frames) {
    const { grid: [all, rows, columns] } = this.meta.card, { layer, map } = this.state.now, values = answer[map], most = this.scale(values);
    const layers = spread(values.length, MOST_LAYERS), shown = spread(all, MOST_TIMES), times = shown.length;
    const width = this.canvas.clientWidth, gap = 6, left = 52, lines = layers.length + 1;
    const side = Math.max(24, Math.min((width - left - gap * (times - 1)) / times, (this.canvas.clientHeight - gap * lines) / lines));
    const context = surface(this.canvas, width, this.canvas.clientHeight), cell = side / Math.max(rows, columns);
    const ink = colour("--ink"), tint = colour("--tint"), toward = colour("--blue"), away = colour("--vermilion");
    context.font = `12px ${colour("--sans")}`;
    context.textBaseline = "middle";
    context.imageSmoothingEnabled = false;
    for (let line = 0; line < lines; line++) {
      const top = line * (side + gap);
      context.globalAlpha = 1;
      context.fillStyle = ink;
      context.fillText(line ? `layer ${layer + layers[line - 1]}` : "frames", 0, top + side / 2);
      for (let t = 0; t < times; t++) {
        const x = left + t * (side + gap);
        if (!line) {
          if (frames) context.drawImage(frames[Math.floor((shown[t] * frames.length) / all)], x, top, side, side);
          continue;
        }
        context.globalAlpha = 1;
        context.fillStyle = tint;
        context.fillRect(x, top, side, side);
        for (let i = 0; i < rows * columns; i++) {
          const value = values[layers[line - 1]][shown[t] * rows * columns + i];
          context.globalAlpha = Math.min(1, Math.abs(value) / most);
          context.fillStyle = map === "displaced" ? ink : value > 0 ? toward : away;
          context.fillRect(x + (i % columns) * cell, top + Math.floor(i / columns) * cell, cell - 0.5, cell - 0.5);
        }
      }
    }
    context.globalAlpha = 1;
    const last = values.at(-1), sum = last.reduce((total, value) => total + value, 0);
    find("tokens-say").textContent = map === "changed"
      ? `Each square is a place in the clip, left to right in time. Blue raises the margin, orange lowers it; at the last layer they add up to ${number(sum)}.`
      : `How far each token is moved; the darkest by ${number(this.most)}.`;
  }
}
