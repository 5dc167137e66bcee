"""The world models of facebookresearch/jepa-wms: which there are, and what their files do not tell. Imports no torch.

A file holds a predictor (with what embeds actions and states) and no encoder, which was frozen and is published elsewhere. Shapes do not
tell how its pixels were normalised, how many heads attend, how many times are shown, or what was done to actions and states; the
configurations that are published with the files do (configs/evals/simu_env_planning), and DATA_STATS of app/plan_common/datasets. All of
it is below, by the name under which a file is published.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from jepascope.encoders.pixels import HALF, IMAGENET, Pixels
from jepascope.errors import BadCheckpoint, quoted

HUB = "facebook/jepa-wms"
ENDING = ".pth.tar"
FILES = "https://dl.fbaipublicfiles.com/jepa-wms"
FRAMES = 4  # of the clips that they were trained on
WINDOW = 2  # times that a rollout shows the predictor, the last ones: as they are evaluated
HEADS = 16  # in every configuration
LAYOUTS = {
    "AdaLN": "modulated by actions",
    "dino_wm": "with actions as features of every place",
    "vjepa2_ac": "with actions as tokens",
}
"""How a predictor is given actions, by what its configuration calls it."""
FAMILIES = {"dinov2": "dinov2", "dinov3_vit": "dinov3", "vjepa2": "vjepa2"}
"""Of encoders, and how their names on the hub begin."""


@dataclass(frozen=True)
class Scale:
    """What is subtracted from numbers, and by what the rest is divided; nothing is done where both are empty. Numbers of several steps
    that stand side by side are scaled alike."""

    mean: tuple[float, ...] = ()
    sd: tuple[float, ...] = ()


@dataclass(frozen=True)
class Task:
    """How actions, and states of the robot or agent (proprio), were scaled, as its environment has them."""

    actions: Scale = Scale()
    states: Scale = Scale()


METAWORLD = Task(
    Scale(
        (0.005723577458411455, 0.15735651552677155, -0.1396457850933075, 0.1998193860054016),
        (0.7359239459037781, 0.73408043384552, 0.7182977199554443, 0.743205726146698),
    ),
    Scale(
        (-0.0029392109718173742, 0.6544238924980164, 0.15410053730010986, 0.6402314901351929),
        (0.10431358963251114, 0.11230525374412537, 0.07981759309768677, 0.26138949394226074),
    ),
)
PUSHT = Task(
    Scale((-0.008700000122189522, 0.006800000090152025), (0.20190000534057617, 0.20020000636577606)),
    Scale(
        (236.61549377441406, 264.5674133300781, -2.9303202629089355, 2.543079137802124),
        (101.12020111083984, 87.01119995117188, 74.8455581665039, 74.14009094238281),
    ),
)
POINTMAZE = Task(
    Scale((7.821338658686727e-05, 0.0006003659800626338), (0.5769129991531372, 0.577587902545929)),
    Scale(
        (1.8130563497543335, 1.9377127885818481, -0.0039275349117815495, -0.019777977839112282),
        (1.0055010318756104, 0.9630089402198792, 1.6802769899368286, 1.9319307804107666),
    ),
)
WALL = Task(
    Scale((-0.005564616061747074, 0.013197818771004677), (0.752332866191864, 0.7466897964477539)),
    Scale((31.89451026916504, 31.81402015686035), (17.663522720336914, 17.27516746520996)),
)
DROID = Task()


@dataclass(frozen=True)
class JepaWM:
    """One published file. ``encoder``: its hub name; ``size``: of its frames in pixels; ``numbers``: of an action, those of all steps from
    one frame to the next; ``states``: of a state, 0 where none is given."""

    name: str
    layout: str  # of LAYOUTS
    also: str  # its other name, at FILES
    task: Task
    numbers: int
    states: int = 0
    encoder: str = "facebook/dinov2-small"
    size: int = 224
    pixels: Pixels = IMAGENET

    @property
    def family(self) -> str:
        """Of its encoder, as ``entries`` names it."""
        return next(family for family, begins in FAMILIES.items() if self.folder.startswith(begins))

    @property
    def patch(self) -> int:
        return 14 if self.family == "dinov2" else 16

    @property
    def places(self) -> int:
        """Of a frame's tokens."""
        return (self.size // self.patch) ** 2

    @property
    def words(self) -> str:
        """What it is."""
        return f"world model {self.name} of jepa-wms, {LAYOUTS[self.layout]}, over {self.encoder}"

    @property
    def normalised(self) -> Pixels:
        """How pixels were in its training, whatever the encoder's folder says."""
        return replace(self.pixels, source=f"pixels as {self.name} was trained ({self.pixels})")

    @property
    def file(self) -> str:
        return f"{self.name}{ENDING}"

    @property
    def folder(self) -> str:
        """Where it lies: the encoder's."""
        return self.encoder.split("/")[-1]

    @property
    def path(self) -> str:
        """What to pass."""
        return f"{self.folder}/{self.file}"

    @property
    def commands(self) -> str:
        """What fetches both."""
        return f"{self._fetched} && hf download {HUB} {self.file} --local-dir {self.folder}"

    @property
    def how(self) -> str:
        """How to get both, in a sentence."""
        return f"{self._licence}`{self.commands}`, then --model {self.path}"

    def moved(self, path: Path) -> str:
        """How to get the encoder of a file that is here, and the file into its folder."""
        return f"{self._licence}`{self._fetched} && mv {quoted(path)} {self.folder}/`, then --model {self.folder}/{path.name}"

    @property
    def _fetched(self) -> str:
        return f"hf download {self.encoder} --local-dir {self.folder}"

    @property
    def _licence(self) -> str:
        gated = f"accept the licence at https://huggingface.co/{self.encoder}, `hf auth login`, then "
        return gated if self.family == "dinov3_vit" else ""

    def apart(self, path: Path, lies: str = "no encoder is in its folder") -> BadCheckpoint:
        """A file that is not in the folder of its encoder: what is there instead, and what to do."""
        return BadCheckpoint(
            f"'{path}' holds a predictor of jepa-wms that goes on from latents of {self.encoder}, and {lies}. "
            f"It is run in that one's folder: {self.moved(path)}."
        )

    @property
    def as_json(self) -> dict[str, Any]:
        """As ``jepascope models --json`` prints it."""
        about = {"name": self.file, "encoder": self.encoder, "folder": self.folder, "how": self.how.replace("`", ""), "layout": self.layout}
        about["also"] = f"curl -L -o {self.path} {FILES}/{self.also}{ENDING}"
        return {**about, "size": self.size, "actions": self.numbers, "states": self.states}


SETS = (
    ("metaworld", "mw", METAWORLD, 20, 4),
    ("pusht", "pt", PUSHT, 10, 4),
    ("pointmaze", "mz", POINTMAZE, 10, 4),
    ("wall", "wall", WALL, 10, 2),
)
"""Simulated tasks: name, short name, scales, numbers of five actions side by side, and of a state."""
PUBLISHED = (
    *(JepaWM(f"jepa_wm_{name}", "AdaLN", f"{short}_jepa-wm", task, acts, states) for name, short, task, acts, states in SETS),
    JepaWM("jepa_wm_droid", "AdaLN", "droid_jepa-wm_noprop", DROID, 7, encoder="facebook/dinov3-vitl16-pretrain-lvd1689m", size=256),
    *(
        JepaWM(f"dino_wm_{name}", "dino_wm", f"{short}_dino-wm", task, acts, states, pixels=HALF)
        for name, short, task, acts, states in SETS
    ),
    JepaWM("dino_wm_droid", "dino_wm", "droid_dino-wm_noprop", DROID, 7, pixels=HALF),
    JepaWM("vjepa2_ac_droid", "vjepa2_ac", "droid_vj2ac_noprop", DROID, 7, encoder="facebook/vjepa2-vitg-fpc64-256", size=256),
    JepaWM("vjepa2_ac_oss", "vjepa2_ac", "droid_vj2ac_oss-prop", DROID, 7, 7, encoder="facebook/vjepa2-vitg-fpc64-256", size=256),
)


def named(path: Path) -> JepaWM | None:
    """What the name of a file says that it is; None where it says nothing."""
    stem = path.name.removesuffix(ENDING)
    return next((model for model in PUBLISHED if stem in (model.name, model.also) and path.name != stem), None)


def published_as(path: Path) -> JepaWM:
    """What the name of a file says that it is. BadCheckpoint for another name: what shapes do not tell has to be said."""
    if (model := named(path)) is not None:
        return model
    names = ", ".join(model.name for model in PUBLISHED)
    raise BadCheckpoint(
        f"'{path}' holds a world model of jepa-wms, and its name is none of those published: nothing in it tells how pixels, actions and "
        f"states were scaled. Give it the name of the one that it is, with {ENDING}: {names}."
    )
