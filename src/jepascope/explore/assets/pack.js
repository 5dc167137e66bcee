/* What jepascope.explore.pack packed: base64, deflated, named arrays one behind the other. */

const TYPES = { f4: Float32Array, f2: Uint16Array, u2: Uint16Array, u1: Uint8Array };
const POWERS = Float64Array.from({ length: 32 }, (_, i) => 2 ** (i - 15));

/** float16 as float32. */
function widened(halves) {
  const out = new Float32Array(halves.length);
  for (let i = 0; i < halves.length; i++) {
    const bits = halves[i], power = (bits >> 10) & 31, part = bits & 1023;
    const size = power ? (power === 31 ? (part ? NaN : Infinity) : (1 + part / 1024) * POWERS[power]) : part * 2 ** -24;
    out[i] = bits >> 15 ? -size : size;
  }
  return out;
}

async function inflated(base64) {
  const text = atob(base64), bytes = new Uint8Array(text.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = text.charCodeAt(i);
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"))).arrayBuffer();
}

/** Arrays by name; ``header``: (name, type, shape) of each. */
async function unpack(header, base64) {
  const buffer = await inflated(base64), arrays = {};
  let at = 0;
  for (const [name, type, shape] of header) {
    const count = shape.reduce((product, size) => product * size, 1), bytes = count * TYPES[type].BYTES_PER_ELEMENT;
    const array = new TYPES[type](buffer.slice(at, at + bytes));
    arrays[name] = type === "f2" ? widened(array) : array;
    at += bytes;
  }
  return arrays;
}
