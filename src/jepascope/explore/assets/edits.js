/* Edits: h' = h + dose U U' r, as jepascope.intervention.edits makes them. A displacement of one row stands for all tokens of its clip. */

/** Where the ring through the class means is at an angle (radians): pieces (power from 3 to 0, piece, width) between knots. */
function ringAt(site, angle, width) {
  const knots = site["ring.knots"], pieces = site["ring.pieces"], count = knots.length - 1, turn = 2 * Math.PI;
  const wrapped = knots[0] + ((((angle - knots[0]) % turn) + turn) % turn);
  let piece = 0;
  while (piece < count - 1 && knots[piece + 1] <= wrapped) piece++;
  const t = wrapped - knots[piece], out = new Float64Array(width);
  for (let j = 0; j < width; j++)
    for (let power = 0; power < 4; power++) out[j] = out[j] * t + pieces[(power * count + piece) * width + j];
  return out;
}

const DISPLACEMENTS = {
  /** r = m - h: to the mean of the subspace, or to zero. */
  ablate: ({ hidden, mean, width, ablateTo }) => hidden.map((value, i) => (ablateTo === "zero" ? 0 : mean[i % width]) - value),

  /** r = h_twin - h, token by token; from a donor the difference of pooled activations. */
  swap: ({ hidden, partner, donor, pooled, pooledPartner }) =>
    donor === "twin" ? partner.map((value, i) => value - hidden[i]) : pooledPartner.map((value, i) => value - pooled[i]),

  /** r = mu_target - mu_own. */
  steer: ({ site, own, to, width }) =>
    Float64Array.from({ length: width }, (_, j) => site.means[to * width + j] - site.means[own * width + j]),

  /** r = axes (R - 1) filters (h - middle): every token's part in the circle's plane is turned. */
  rotate({ hidden, site, angle, wanted, width }) {
    const middle = site["circle.middle"], axes = site["circle.axes"], filters = site["circle.filters"];
    const cos = Math.cos(wanted - angle) - 1, sin = Math.sin(wanted - angle), out = new Float64Array(hidden.length);
    for (let at = 0; at < hidden.length; at += width) {
      let x = 0, y = 0;
      for (let j = 0; j < width; j++) {
        const apart = hidden[at + j] - middle[j];
        x += apart * filters[j];
        y += apart * filters[width + j];
      }
      for (let j = 0; j < width; j++) out[at + j] = (cos * x - sin * y) * axes[2 * j] + (sin * x + cos * y) * axes[2 * j + 1];
    }
    return out;
  },

  /** r = ring(wanted) - ring(angle). */
  spline({ site, angle, wanted, width }) {
    const from = ringAt(site, angle, width);
    return ringAt(site, wanted, width).map((value, j) => value - from[j]);
  },
};

const rowNorms = (inside, rank) =>
  Float64Array.from({ length: inside.length / rank }, (_, i) => Math.hypot(...inside.subarray(i * rank, (i + 1) * rank)));

/** U' r of every token that is edited, rescaled to ``norms`` token by token if given; zero elsewhere. */
function coordinates(moved, basis, width, rank, mask, norms) {
  let inside = times(moved, moved.length / width, basis, width, rank);
  if (norms) {
    const own = rowNorms(inside, rank);
    inside = inside.map((value, i) => (own[(i / rank) | 0] ? value * (norms[(i / rank) | 0] / own[(i / rank) | 0]) : 0));
  }
  if (!mask) return inside;
  const all = inside.length === rank ? (i) => inside[i % rank] : (i) => inside[i];
  return Float64Array.from({ length: mask.length * rank }, (_, i) => (mask[(i / rank) | 0] ? all(i) : 0));
}

/** h + dose U c. */
function edit(hidden, inside, basis, width, rank, dose) {
  const added = timesTransposed(inside, inside.length / rank, basis, width, rank), out = new Float64Array(hidden.length);
  for (let i = 0; i < out.length; i++) out[i] = hidden[i] + dose * added[i % added.length];
  return out;
}

/** Mean over the tokens that are read, of rows of ``width`` numbers; a single row stands for all. */
function pooled(rows, width, read = null) {
  const count = rows.length / width, mean = new Float64Array(width), one = count === 1;
  let seen = 0;
  for (let i = 0; i < count; i++) {
    if (read && !one && !read[i]) continue;
    seen++;
    for (let j = 0; j < width; j++) mean[j] += rows[i * width + j];
  }
  return mean.map((sum) => sum / seen);
}
