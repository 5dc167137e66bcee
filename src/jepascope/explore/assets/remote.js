/* Where answers come from otherwise: a server on this machine, or what the run stored. */

/** Frames of a clip in [0, 1], from bytes of all clips that a scene has. */
function stills(scene, bytes, frames, size) {
  const length = frames * 3 * size * size;
  return { scene, frames, size, of: (shown) => {
    const at = Math.max(0, scene.classes.indexOf(shown)) * length;
    return Float32Array.from(bytes.subarray(at, at + length), (value) => value / 255);
  } };
}

class ServerSource {
  constructor(meta) {
    Object.assign(this, { meta, waiting: [], busy: false });
  }

  async start() {}

  has(clip) {
    return this.meta.scenes.some((scene) => scene.clip === clip);
  }

  async post(name, given) {
    const sent = { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(given) };
    const response = await fetch(new URL(name, location.href.split("#")[0]), sent);
    if (!response.ok) throw new Error(`the server says ${response.status} ${response.statusText}`);
    const answer = await response.json();
    if (answer.error) throw new Error(answer.error);
    return answer;
  }

  async load(clip) {
    const { scene, shape: [, frames, , size], frames: text } = await this.post("clip", { clip });
    return stills(scene, Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)), frames, size);
  }

  read(asked) {
    return this.post("answer", asked);
  }

  /** Answered together with what is read. */
  async forecast(asked) {
    return (await this.read(asked)).forecast;
  }

  /** One control after the other, so that what is asked for next never waits for more than one of them. */
  control(asked) {
    return new Promise((resolve, reject) => {
      this.waiting.push({ asked, resolve, reject });
      this.next();
    });
  }

  async next() {
    if (this.busy || !this.waiting.length) return;
    this.busy = true;
    const { asked, resolve, reject } = this.waiting.shift();
    try { resolve(await this.read(asked)); } catch (error) { reject(error); }
    this.busy = false;
    this.next();
  }

  forget() {
    this.waiting.splice(0).forEach(({ reject }) => reject(new Error("forgotten")));
  }
}

class ReplaySource {
  constructor(meta) {
    this.meta = meta;
  }

  async start() {}

  has(clip) {
    return this.meta.scenes.some((scene) => scene.clip === clip);
  }

  async load(clip) {
    const { frames } = await unpack(this.meta.packs[`clip ${clip}`], PageSource.packed(`clip ${clip}`));
    return stills(this.meta.scenes.find((scene) => scene.clip === clip), frames, this.meta.card.frames, this.meta.card.size);
  }

  /** The stored doses of an edit, 0 among them. */
  doses({ layer, finder, edit }) {
    return [0, ...Object.keys(this.meta.stored[`${layer} ${finder} ${edit}`] ?? {}).map(Number)].sort((a, b) => a - b);
  }

  /** CE over all test clips at the stored dose that is nearest; a share of the whole, which is 1. */
  stored(asked, control) {
    const all = this.meta.stored[`${asked.layer} ${asked.finder} ${asked.edit}`] ?? {}, doses = this.doses(asked);
    const dose = doses.reduce((near, one) => (Math.abs(one - asked.dose) < Math.abs(near - asked.dose) ? one : near), 0);
    const none = Object.keys(all).length ? [0, 0, 0, 0] : [NaN, null, null, 0];
    const [moved, low, high, n] = dose ? all[String(dose)]?.[control] ?? [NaN, null, null, 0] : none;
    return { moved, whole: 1, low, high, n, dose };
  }

  async read(asked) {
    const { layer, finder, edit } = asked, key = `${layer} ${finder} ${edit}`, answer = this.stored(asked, "subspace");
    const away = answer.dose === 1 ? this.meta.distances[key] : null, own = this.meta.measured.effects[key];
    return { ...answer, nearest: away?.nearest ?? null, mahalanobis: away?.mahalanobis ?? null,
      clip: own ? { moved: own.moved[asked.clip], whole: own.whole[asked.clip] } : null };
  }

  async forecast() {
    return null;
  }

  async control(asked) {
    return this.stored(asked, asked.control);
  }

  forget() {}
}
