/* Clips in motion: frames drawn when the next one is due, and nothing in between. */

const FRAMES_A_SECOND = 8, HOLD = 3; // frames that the last one stays

class Player {
  constructor() {
    this.shown = new Map(); // canvas -> its frames, ready to be drawn
    this.still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.began = performance.now();
    this.last = -1;
    requestAnimationFrame((time) => this.tick(time));
  }

  /** ``video``: (frames, 3, rows, columns) in [0, 1]. */
  show(canvas, video, count, size) {
    const plane = size * size;
    const frames = Array.from({ length: count }, (_, f) => {
      const image = new ImageData(size, size);
      for (let i = 0; i < plane; i++) {
        for (let c = 0; c < 3; c++) image.data[4 * i + c] = Math.round(255 * video[(f * 3 + c) * plane + i]);
        image.data[4 * i + 3] = 255;
      }
      const page = document.createElement("canvas");
      Object.assign(page, { width: size, height: size }).getContext("2d").putImageData(image, 0, 0);
      return page;
    });
    this.shown.set(canvas, frames);
    this.last = -1;
  }

  toggle() {
    this.still = !this.still;
    return this.still;
  }

  tick(time) {
    requestAnimationFrame((later) => this.tick(later));
    const beat = this.still ? this.last : Math.floor(((time - this.began) / 1000) * FRAMES_A_SECOND);
    if (beat === this.last && this.last >= 0) return;
    this.last = Math.max(0, beat);
    for (const [canvas, frames] of this.shown) {
      const side = canvas.clientWidth, context = surface(canvas, side);
      context.imageSmoothingEnabled = false;
      context.drawImage(frames[Math.min(frames.length - 1, this.last % (frames.length + HOLD))], 0, 0, side, side);
    }
  }
}
