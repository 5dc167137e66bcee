"""Functions, classifiers and modules of one's own as arguments of the Python functions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch

from jepascope.activations.activations import Activations
from jepascope.catalog import attribute, is_code
from jepascope.errors import BadArgument, BadData, JepascopeError
from jepascope.intervention.judge_entry import JUDGES
from jepascope.intervention.judges import ProbeJudge
from jepascope.intervention.judges.own import read_out, trained


def name_of(given: Any, what: str) -> Any:
    """The name that a study would know it by: a function's is ``module:function``. BadArgument for one that cannot be found again."""
    if not callable(given):
        return given  # a name, or what is then refused as none
    path = f"{getattr(given, '__module__', '')}:{getattr(given, '__qualname__', '')}"
    if not is_code(path) or attribute(path, f"{what} '{path}'") is not given:
        raise BadArgument(
            f"{what}: give a name, or a function that is defined at the top of a module or a notebook's cell, not "
            f"{getattr(given, '__qualname__', type(given).__name__)}, so that what is run can be found again."
        )
    return path


def judges_of(given: Sequence[Any], probe: ProbeJudge, judge: Activations, variable: str, seed: int) -> list[ProbeJudge]:
    """The linear ``probe``, where it is asked for, and others fitted to split ``judge`` at the layer that it reads."""
    if isinstance(given, str) or not given:
        raise BadArgument('judges is a list, such as ["probe", classifier].')
    x, y = judge.pooled(judge.encoder_card.depth, probe.tokens), torch.tensor(judge.clips.labels(variable)[0])
    judges: dict[str, ProbeJudge] = {}
    for wanted in given:
        named = isinstance(wanted, str)
        name = wanted if named else type(wanted).__name__ if not hasattr(wanted, "__qualname__") else wanted.__qualname__
        if name in judges:
            raise BadArgument(f"judges names '{name}' twice; give one of each.")
        if wanted == "probe":
            judges[name] = probe
            continue
        if named and JUDGES.entry(name).made != "trained":
            raise BadArgument(f"judges: '{name}' is run by a whole study; here judges are trained ones, or your own.")
        try:
            reader = trained(name, x, y, seed) if named else read_out(wanted, x, y, seed)
        except JepascopeError:
            raise
        except Exception as error:  # code of somebody else's may raise anything
            raise BadData(f"The judge '{name}' cannot be fitted here: it raised {type(error).__name__}: {error}.") from error
        judges[name] = replace(probe, probe=reader, name=name, decoder=None)
    return list(judges.values())
