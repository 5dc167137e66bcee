"""tiny-jepa's trained world model as an encoder, and clips of its world with the true state: what `study.py` beside it studies.

All that a world model of one's own needs is here: a VideoEncoder with `card.actions` and `rollout`, and clips with actions, labels and
twins. The package `tiny-jepa` (MIT, 0.5 MB) has the trained weights and the simulator.
"""

from hashlib import sha256
from pathlib import Path

import numpy as np
import tiny_jepa
import torch
from tiny_jepa import OrbyWorld

import jepascope as js
from jepascope.encoders.base import VideoEncoder
from jepascope.encoders.card import EncoderCard

WEIGHTS = Path(tiny_jepa.__file__).parent / "checkpoints" / "orby_v1.npz"
SIDE, PATCH, ACTIONS = 32, 8, 5  # pixels a side, pixels of a patch, actions: stay, up, down, left, right
STEPS = 8  # of a rollout: a clip is the present and so many frames after it
RANGE = {"agent": (6, 26), "pellet": (4, 28), "ball": (5, 27)}  # where the world itself puts them
GAP = (14, 18)  # pixels: "low" lies below, "high" above
VARIABLES = ("agent_x", "agent_y", "pellet_x", "pellet_y", "ball1_x", "ball1_y", "ball2_x", "ball2_y")


class TinyJepa(VideoEncoder):
    """One token a frame: the 32 numbers that the encoder gives and the predictor is given.

    The encoder's own layers are 128, 64 and 32 wide. Filled up with zeros to one width they would be edited beside controls drawn among
    dead directions, so that here the latents alone are edited: layer 0 is the latents, and the one block after it changes nothing. What a
    probe at the last layer says of an edit is then what was put there; what the model makes of it, the rollout says.
    """

    def __init__(self, nets, name="tiny-jepa", frames=STEPS + 1):
        self.nets = nets  # "enc", "pred": lists of weights and biases
        digest = sha256(b"".join(part.numpy().tobytes() for net in nets.values() for layer in net for part in layer)).hexdigest()[:16]
        self.card = EncoderCard(name, len(nets["enc"][-1][1]), 1, frames, SIDE, (frames, 1, 1), digest, actions=ACTIONS)

    def embed(self, video):
        self.check_video(video)
        grey = video.mean(dim=2)  # the world is grey
        patches = grey.unflatten(2, (-1, PATCH)).unflatten(4, (-1, PATCH)).transpose(3, 4)
        return run(self.nets["enc"], patches.flatten(2))

    def block(self, index, hidden):
        return hidden

    def norm(self, hidden):
        return hidden

    def forecast_space(self, latents):
        return latents

    def rollout(self, context, actions, states=None):
        latents, future = context[:, -1], []
        for step in range(context.shape[1] - 1, actions.shape[1]):
            latents = run(self.nets["pred"], torch.cat([latents, actions[:, step]], dim=1))
            future.append(latents)
        return torch.stack(future, dim=1)

    def untrained(self, seed):
        """Weights as the package draws them before training."""
        rng = np.random.default_rng(seed)
        fresh = {name: [(drawn(weight.shape, rng), torch.zeros_like(bias)) for weight, bias in net] for name, net in self.nets.items()}
        return TinyJepa(fresh, f"{self.card.name}-untrained-{seed}", self.card.frames)

    def at(self, frames, size):
        return self if size != SIDE else TinyJepa(self.nets, self.card.name, frames)

    def to(self, device, dtype=None):
        return self

    device, dtype = torch.device("cpu"), torch.float32


def run(net, x):
    """A multi-layer perceptron with ReLU between its layers."""
    for place, (weight, bias) in enumerate(net):
        x = (x if place == 0 else x.relu()) @ weight + bias
    return x


def drawn(shape, rng):
    return torch.from_numpy((rng.standard_normal(shape) * np.sqrt(2 / shape[0])).astype(np.float32))


def trained(path=WEIGHTS):
    """The published weights. They are plain arrays, and read as such: no pickle is opened."""
    with np.load(path, allow_pickle=False) as held:
        arrays = {name: torch.from_numpy(held[name]) for name in held.files if name != "config"}
    depth = {net: sum(name.startswith(f"{net}.") for name in arrays) // 2 for net in ("enc", "pred")}
    return TinyJepa({net: [(arrays[f"{net}.{i}.W"], arrays[f"{net}.{i}.b"]) for i in range(depth[net])] for net in depth})


def clips(variable, count=700, seed=0):
    """Clips of the world with random actions: half of them low in ``variable``, each with a twin in which it alone is high, or the reverse.

    Both are simulated from there on under the same actions. Where a pellet is eaten in either, another scene is drawn: a new one appears
    at random then.
    """
    rng, axis = np.random.default_rng(seed), "xy".index(variable[-1])
    videos, twins, kinds, actions = [], [], [], []
    while len(videos) < count:
        kind, done = ("low", "high")[len(videos) % 2], rng.integers(ACTIONS, size=STEPS)
        world = OrbyWorld(seed=int(rng.integers(2**31)))
        own, other = (placed(variable, value, rng) for value in (kind, opposite(kind)))
        films = [simulated(world, variable, axis, value, done) for value in (own, other)]
        if all(film is not None for film in films):
            for kept, part in zip((videos, twins, kinds, actions), (*films, kind, np.eye(ACTIONS)[done]), strict=True):
                kept.append(part)
    return js.clips.from_arrays(
        np.stack(videos), {variable: kinds}, twins={"video": np.stack(twins), variable: list(map(opposite, kinds))},
        actions=np.stack(actions), name=f"orby-{variable}", seed=seed,
    )  # fmt: skip


def opposite(kind):
    return {"low": "high", "high": "low"}[kind]


def placed(variable, kind, rng):
    """A coordinate of that class, as the world itself draws it."""
    least, most = RANGE[variable.partition("_")[0].rstrip("12")]
    return rng.uniform(*((least, GAP[0]) if kind == "low" else (GAP[1], most)))


def simulated(world, variable, axis, value, actions):
    """Frames from the world with one coordinate put at ``value``; None where a pellet is eaten, or lies too near to be one."""
    twin = OrbyWorld(seed=0)
    twin.agent, twin.balls, twin.bvel, twin.pellet = (part.copy() for part in (world.agent, world.balls, world.bvel, world.pellet))
    things = {"agent": twin.agent, "pellet": twin.pellet, "ball1": twin.balls[0], "ball2": twin.balls[1]}
    things[variable.partition("_")[0]][axis] = value
    if np.linalg.norm(twin.agent - twin.pellet) <= 6:
        return None
    frames = [twin.render()]
    for action in actions:
        frame, eaten = twin.step(action)
        if eaten:
            return None
        frames.append(frame)
    return np.repeat(np.stack(frames)[..., None], 3, axis=-1).astype(np.float16)
