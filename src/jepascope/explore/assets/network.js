/* V-JEPA 2: patch embedding, blocks, final norm and predictor, as jepascope.encoders runs them. Weights keep transformers' names. */

/** The normal distribution's erf to 1.2e-7 (Press et al., Numerical Recipes, 6.2.2): far below what float32 holds of a token. */
function erf(x) {
  const t = 1 / (1 + 0.5 * Math.abs(x));
  const series = t * (1.00002368 + t * (0.37409196 + t * (0.09678418 + t * (-0.18628806 + t * (0.27886807 +
    t * (-1.13520398 + t * (1.48851587 + t * (-0.82215223 + t * 0.17087277))))))));
  const tail = t * Math.exp(-x * x - 1.26551223 + series);
  return x >= 0 ? 1 - tail : tail - 1;
}

/** GELU in its exact form, in place. */
function gelu(x) {
  for (let i = 0; i < x.length; i++) x[i] = 0.5 * x[i] * (1 + erf(x[i] * Math.SQRT1_2));
  return x;
}

function layerNorm(x, rows, { weight, bias }, eps) {
  const width = weight.length, y = new Float64Array(x.length);
  for (let i = 0, at = 0; i < rows; i++, at += width) {
    let mean = 0, square = 0;
    for (let j = 0; j < width; j++) mean += x[at + j];
    mean /= width;
    for (let j = 0; j < width; j++) square += (x[at + j] - mean) ** 2;
    const scale = 1 / Math.sqrt(square / width + eps);
    for (let j = 0; j < width; j++) y[at + j] = (x[at + j] - mean) * scale * weight[j] + bias[j];
  }
  return y;
}

/** Queries or keys of every head turned by their token's angles; ``cos`` and ``sin`` (tokens, head), the first row for the first token. */
function rotate(x, rows, heads, { cos, sin }, first = 0) {
  const head = x.length / rows / heads;
  for (let i = 0, at = 0; i < rows; i++)
    for (let h = 0; h < heads; h++, at += head)
      for (let j = 0, row = (first + i) * head; j + 1 < head; j += 2) {
        const a = x[at + j], b = x[at + j + 1];
        x[at + j] = a * cos[row + j] - b * sin[row + j];
        x[at + j + 1] = b * cos[row + j + 1] + a * sin[row + j + 1];
      }
  return x;
}

/** Softmax of each row of scores times ``scale``, in place. */
function softmax(scores, rows, columns, scale) {
  for (let i = 0, at = 0; i < rows; i++, at += columns) {
    let most = -Infinity, sum = 0;
    for (let j = 0; j < columns; j++) if (scores[at + j] > most) most = scores[at + j];
    for (let j = 0; j < columns; j++) sum += scores[at + j] = Math.exp((scores[at + j] - most) * scale);
    for (let j = 0; j < columns; j++) scores[at + j] /= sum;
  }
}

/** Attention of the tokens from ``first`` on to all of them. */
function attention(normed, rows, layer, heads, table, first) {
  const width = layer.query.bias.length, head = width / heads, wanted = rows - first;
  const query = rotate(linear(normed.subarray(first * width), wanted, layer.query), wanted, heads, table, first);
  const key = rotate(linear(normed, rows, layer.key), rows, heads, table);
  // values of a head as (head, tokens), so that the mixture is a product of rows by rows as well
  const value = new Float64Array(width * rows), mixed = new Float64Array(wanted * width), scores = new Float64Array(wanted * rows);
  product(matrix(value, rows), matrix(layer.value.weight, width), matrix(normed, width), width, rows, width);
  for (let j = 0, at = 0; j < width; j++) for (let i = 0; i < rows; i++, at++) value[at] += layer.value.bias[j];
  for (let h = 0; h < heads; h++) {
    product(matrix(scores, rows), matrix(query, width, h * head), matrix(key, width, h * head), wanted, rows, head);
    softmax(scores, wanted, rows, 1 / Math.sqrt(head));
    product(matrix(mixed, width, h * head), matrix(scores, rows), matrix(value, rows, h * head * rows), wanted, head, rows);
  }
  return linear(mixed, wanted, layer.proj);
}

function added(x, y) {
  for (let i = 0; i < y.length; i++) y[i] += x[i];
  return y;
}

/** One pre-norm block. ``first``: from which token on its output is wanted; the others are attended to. */
function block(hidden, layer, { heads, eps }, table, first = 0) {
  const width = layer.norm1.weight.length, rows = hidden.length / width, own = hidden.subarray(first * width);
  const attended = added(own, attention(layerNorm(hidden, rows, layer.norm1, eps), rows, layer, heads, table, first));
  const inner = gelu(linear(layerNorm(attended, rows - first, layer.norm2, eps), rows - first, layer.fc1));
  return added(attended, linear(inner, rows - first, layer.fc2));
}

class Network {
  /** ``arrays``: weights and rotary tables by name; ``card``: sizes. A beginning of a clip is run by the same network: its tokens come first. */
  constructor(arrays, card) {
    this.card = card;
    const wide = (name) => Float64Array.from(arrays[name]);
    const pair = (name) => ({ weight: wide(`${name}.weight`), bias: wide(`${name}.bias`) });
    const layer = (name) => ({
      ...Object.fromEntries(["norm1", "norm2"].map((part) => [part, pair(`${name}.${part}`)])),
      ...Object.fromEntries(["query", "key", "value", "proj"].map((part) => [part, pair(`${name}.attention.${part}`)])),
      ...Object.fromEntries(["fc1", "fc2"].map((part) => [part, pair(`${name}.mlp.${part}`)])),
    });
    const layers = (name, depth) => Array.from({ length: depth }, (_, i) => layer(`${name}.layer.${i}`));
    const table = (name) => ({ cos: wide(`${name}.cos`), sin: wide(`${name}.sin`) });
    this.patches = pair("encoder.embeddings.patch_embeddings.proj");
    this.layers = layers("encoder", card.depth);
    this.last = pair("encoder.layernorm");
    this.table = table("encoder.rotary");
    if (!card.predictor) return;
    this.predictor = {
      embed: pair("predictor.embeddings.predictor_embeddings"), mask: wide("predictor.mask"),
      layers: layers("predictor", card.predictor.depth), table: table("predictor.rotary"),
      last: pair("predictor.layernorm"), proj: pair("predictor.proj"),
    };
  }

  /** h_0 of pixels in [0, 1]: (frames, 3, rows, columns). */
  embed(video) {
    const { grid: [times, height, width], patch, tubelet, size, mean, sd } = this.card;
    const inputs = 3 * tubelet * patch * patch, cut = new Float64Array(times * height * width * inputs);
    let at = 0;
    for (let t = 0; t < times; t++) for (let y = 0; y < height; y++) for (let x = 0; x < width; x++)
      for (let c = 0; c < 3; c++) for (let f = 0; f < tubelet; f++) for (let i = 0; i < patch; i++)
        for (let j = 0, from = (((t * tubelet + f) * 3 + c) * size + y * patch + i) * size + x * patch; j < patch; j++)
          cut[at++] = (video[from + j] - mean[c]) / sd[c];
    return linear(cut, times * height * width, this.patches);
  }

  /** h_stop from h_start (blocks start + 1 .. stop); ``seen``, if given, is told of every layer. */
  run(hidden, start, stop = this.card.depth, seen = null) {
    for (let layer = start; layer < stop; layer++) {
      hidden = block(hidden, this.layers[layer], this.card, this.table);
      if (seen) seen(layer + 1, hidden);
    }
    return hidden;
  }

  norm(hidden) {
    return layerNorm(hidden, hidden.length / this.card.width, this.last, this.card.eps);
  }

  /** The predictor's latents of the rest of a clip, from the final-norm latents of its beginning. */
  forecast(context) {
    const { card, predictor: { embed, mask, layers, table, last, proj } } = this, inner = mask.length;
    const seen = context.length / card.width, targets = card.tokens - seen;
    let hidden = new Float64Array(card.tokens * inner);
    hidden.set(linear(context, seen, embed));
    for (let i = seen; i < card.tokens; i++) hidden.set(mask, i * inner);
    const sizes = { heads: card.predictor.heads, eps: card.eps };
    layers.forEach((layer, i) => { hidden = block(hidden, layer, sizes, table, i + 1 === layers.length ? seen : 0); });
    return linear(layerNorm(hidden, targets, last, card.eps), targets, proj);
  }

  /** Final-norm latents of a whole clip as the predictor was trained to predict them: centred over its tokens, or normalised each. */
  forecastSpace(latents) {
    const width = this.card.width, rows = latents.length / width, out = Float64Array.from(latents);
    const centre = (from, count, step) => { // of one column over all rows, or of one row over its columns
      let mean = 0;
      for (let i = 0; i < count; i++) mean += out[from + i * step];
      for (let i = 0; i < count; i++) out[from + i * step] -= mean / count;
    };
    const scale = (part, eps) => {
      let square = 0;
      for (const value of part) square += value * value;
      for (let i = 0, by = 1 / Math.sqrt(square / part.length + eps); i < part.length; i++) part[i] *= by;
    };
    if (this.card.targets === "centred") {
      for (let j = 0; j < width; j++) centre(j, rows, width);
      scale(out, 1e-6);
    } else
      for (let i = 0; i < rows; i++) { centre(i * width, width, 1); scale(out.subarray(i * width, (i + 1) * width), 1e-5); }
    return out;
  }
}
