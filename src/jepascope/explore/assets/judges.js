/* Judges: what is read of pooled activations, margins, distances from natural clips. */

/** x W' + b of one vector; ``reads``: {weight, bias} by the name that they were packed under. */
function readOut(arrays, name, x) {
  const weight = arrays[`${name}.weight`], bias = arrays[`${name}.bias`];
  return Array.from(bias, (sum, row) => {
    for (let j = 0, at = row * x.length; j < x.length; j++) sum += weight[at + j] * x[j];
    return sum;
  });
}

/** The small network: relu((x - mean) / scale A + a) B + b. */
function mlpLogits(arrays, name, x) {
  const part = (which) => arrays[`${name}.${which}`], standard = x.map((value, j) => (value - part("mean")[j]) / part("scale")[j]);
  const inner = times(standard, 1, part("inner"), x.length, part("inner_bias").length);
  const hidden = inner.map((value, j) => Math.max(0, value + part("inner_bias")[j]));
  return Array.from(times(hidden, 1, part("outer"), hidden.length, part("outer_bias").length), (value, j) => value + part("outer_bias")[j]);
}

const degrees = ([cos, sin]) => (Math.atan2(sin, cos) * 180) / Math.PI;

/** Logit of the clip's class less the mean of the others'; or of the target's class less that of the clip's. Linear in logits. */
function marginOf(logits, lost, own, to) {
  if (!lost) return logits[to] - logits[own];
  const others = logits.reduce((sum, value) => sum + value, 0) - logits[own];
  return logits[own] - others / (logits.length - 1);
}

/** What the edit moved of the margin, and the whole that there was to move. */
function outcomeOf(edited, clean, partner, lost, own, to) {
  const before = marginOf(clean, lost, own, to), after = marginOf(edited, lost, own, to);
  return lost ? { moved: before - after, whole: before } : { moved: after - before, whole: marginOf(partner, lost, own, to) - before };
}

/** Distance of a clip's coordinates in a basis to those of the nearest natural clip. */
function nearestOf(natural, x, basis, rank) {
  const width = x.length, own = times(x, 1, basis, width, rank), theirs = times(natural, natural.length / width, basis, width, rank);
  let least = Infinity;
  for (let i = 0; i < theirs.length; i += rank) {
    let apart = 0;
    for (let j = 0; j < rank; j++) apart += (theirs[i + j] - own[j]) ** 2;
    if (apart < least) least = apart;
  }
  return Math.sqrt(least);
}

/** Distance from the natural mean at the last layer, in natural standard deviations. */
function mahalanobisOf(arrays, last) {
  const white = times(last.map((value, j) => value - arrays["natural.mean"][j]), 1, arrays["natural.whitening"], last.length, last.length);
  return Math.sqrt(white.reduce((sum, value) => sum + value * value, 0));
}

/** Mean squared difference of a forecast from each rendered future. */
function apartOf(forecast, futures) {
  return futures.map((future) => {
    let sum = 0;
    for (let i = 0; i < forecast.length; i++) sum += (forecast[i] - future[i]) ** 2;
    return sum / forecast.length;
  });
}
