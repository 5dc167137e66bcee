"use strict";
/* Matrix products on typed arrays: what nearly all of the network's time goes into. */

/**
 * C[i][j] = sum over k of A[i][k] B[j][k]: rows of A by rows of B, as weights (outputs, inputs) lie in memory. Three rows by three rows at
 * a time: their nine sums and six factors fill a processor's registers. A matrix is {data, at, step}: where it begins, and how far apart
 * its rows are. All of it in float64, which this is faster in than float32.
 */
function product(C, A, B, rows, columns, depth) {
  const a = A.data, b = B.data, c = C.data, p = A.step, q = B.step, r = C.step;
  const whole = rows - (rows % 3), across = columns - (columns % 3);
  for (let i = 0; i < whole; i += 3) {
    const i0 = A.at + i * p, i1 = i0 + p, i2 = i1 + p;
    for (let j = 0; j < across; j += 3) {
      const j0 = B.at + j * q, j1 = j0 + q, j2 = j1 + q;
      let s00 = 0, s01 = 0, s02 = 0, s10 = 0, s11 = 0, s12 = 0, s20 = 0, s21 = 0, s22 = 0;
      for (let k = 0; k < depth; k++) {
        const x0 = a[i0 + k], x1 = a[i1 + k], x2 = a[i2 + k], y0 = b[j0 + k], y1 = b[j1 + k], y2 = b[j2 + k];
        s00 += x0 * y0; s01 += x0 * y1; s02 += x0 * y2;
        s10 += x1 * y0; s11 += x1 * y1; s12 += x1 * y2;
        s20 += x2 * y0; s21 += x2 * y1; s22 += x2 * y2;
      }
      const c0 = C.at + i * r + j, c1 = c0 + r, c2 = c1 + r;
      c[c0] = s00; c[c0 + 1] = s01; c[c0 + 2] = s02;
      c[c1] = s10; c[c1 + 1] = s11; c[c1 + 2] = s12;
      c[c2] = s20; c[c2 + 1] = s21; c[c2 + 2] = s22;
    }
  }
  for (let i = 0; i < rows; i++) {
    for (let j = i < whole ? across : 0; j < columns; j++) {
      let sum = 0;
      for (let k = 0, x = A.at + i * p, y = B.at + j * q; k < depth; k++) sum += a[x + k] * b[y + k];
      c[C.at + i * r + j] = sum;
    }
  }
}

/** All of an array as a matrix of that many columns. */
const matrix = (data, step, at = 0) => ({ data, at, step });

/** y = x W' + b of every row of x: {weight (outputs, inputs), bias} as torch's Linear. */
function linear(x, rows, { weight, bias }) {
  const outputs = bias.length, inputs = weight.length / outputs;
  const y = new Float64Array(rows * outputs);
  product(matrix(y, outputs), matrix(x, inputs), matrix(weight, inputs), rows, outputs, inputs);
  for (let i = 0, at = 0; i < rows; i++) for (let j = 0; j < outputs; j++, at++) y[at] += bias[j];
  return y;
}

/** Rows of x times a small matrix (inputs, outputs), and times its transpose: what edits and read-outs of low rank are made of. */
function times(x, rows, M, inputs, outputs) {
  const y = new Float64Array(rows * outputs);
  for (let i = 0; i < rows; i++)
    for (let k = 0; k < inputs; k++)
      for (let j = 0, value = x[i * inputs + k]; j < outputs; j++) y[i * outputs + j] += value * M[k * outputs + j];
  return y;
}

function timesTransposed(x, rows, M, inputs, outputs) {
  const y = new Float64Array(rows * inputs);
  for (let i = 0; i < rows; i++)
    for (let k = 0; k < inputs; k++) {
      let sum = 0;
      for (let j = 0; j < outputs; j++) sum += x[i * outputs + j] * M[k * outputs + j];
      y[i * inputs + k] = sum;
    }
  return y;
}
