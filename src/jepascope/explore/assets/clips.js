/* Pixels of a scene: the differences of jepascope.explore.clips, undone. */

/** Frames of one of a scene's clips in [0, 1]: (frames, 3, rows, columns). ``scene``: {high, low} of all of its classes; ``own``: the place
    of the test clip, from which the others are taken. */
function framesOf(scene, place, own, size) {
  const plane = size * size, clip = scene.clipLength, out = new Float32Array(clip);
  const at = (which, i) => (scene.high[which * clip + i] << 8) | scene.low[which * clip + i];
  for (let i = 0; i < clip; i++) {
    const colour = ((i / plane) | 0) % 3;
    let value = at(own, i) + (colour ? at(own, i - colour * plane) : 0);
    if (place !== own) value += at(place, i);
    out[i] = (value & 65535) / 65535;
  }
  return out;
}
