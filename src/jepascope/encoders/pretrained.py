"""transformers' from_pretrained, believed only when every weight was found: nothing that is left random gets through.

It is given the weights, read here: a folder's weights may carry the names of wrappers (``torch.compile``, DDP) around the model.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import torch
import transformers
from safetensors import safe_open
from safetensors.torch import load_file
from torch import Tensor

from jepascope.disk.named import check_named
from jepascope.encoders.folder_files import weight_files
from jepascope.encoders.lacking import kept_away
from jepascope.encoders.weight_names import listed, renamed, unwrapped
from jepascope.errors import BadCheckpoint, first_line


class Unreadable(BadCheckpoint):
    """transformers could not read it at all: what an incomplete download looks like."""


def load(kind: Any, folder: Path, name: str, **built: Any) -> tuple[Any, dict[str, Any]]:
    """transformers' model of a folder and what did not fit, from the folder's safetensors under the names that the model gave them."""
    files = weight_files(folder, name)
    config = guarded(name, lambda: kind.config_class.from_pretrained(str(folder), local_files_only=True), files)
    return filled(kind, config, weights_of(files, name), name, files, **built)


def filled(
    kind: Any, config: Any, weights: Mapping[str, Tensor], name: str, files: Iterable[Path], **built: Any
) -> tuple[Any, dict[str, Any]]:
    """transformers' model of a configuration with weights that were read, and what of them did not fit."""
    loaded, info = guarded(
        name,
        lambda: kind.from_pretrained(
            None,
            config=config,
            state_dict=dict(weights),
            local_files_only=True,
            output_loading_info=True,
            dtype=torch.float32,
            ignore_mismatched_sizes=True,  # reported in ``info`` and refused, in our words
            attn_implementation="sdpa" if kind._supports_sdpa else "eager",  # a config.json may name code on the hub to download and run
            **built,
        ),
        files,
    )
    return loaded, info


def weights_of(files: list[Path], name: str) -> dict[str, Tensor]:
    """What the files of weights hold, by the model's own names of them."""
    parts = {file: guarded(name, partial(_tensors, file), files) for file in files}
    held = [(weight, file) for file, weights in parts.items() for weight in weights]
    places = dict(held)
    return {own: parts[places[weight]][weight] for own, weight in unwrapped([weight for weight, _ in held], name).items()}


def held_weight(files: list[Path], name: str, own: str) -> Tensor | None:
    """One weight by the model's own name of it, and nothing else of the files; None where they lack it."""

    def look() -> Tensor | None:
        for file in files:
            check_named(file)
            with safe_open(file, "pt") as opened:
                if (place := unwrapped(opened.keys(), name).get(own)) is not None:
                    return opened.get_tensor(place)  # type: ignore[no-any-return]
        return None

    return guarded(name, look, files)  # type: ignore[no-any-return]


def _tensors(file: Path) -> dict[str, Tensor]:
    check_named(file)
    return load_file(file)


def refuse_misfits(name: str, missing: set[str], unexpected: set[str], mismatched: Iterable[Any]) -> None:
    """BadCheckpoint that names a weight, where there is any."""
    if missing:
        older = renamed(missing, unexpected)
        raise BadCheckpoint(f"'{name}' lacks weights: {listed(missing)}{older}. It does not fit its config.json{_release(older)}.")
    for what, keys in (("unknown", unexpected), ("misshapen", {str(key) for key in mismatched})):
        if keys:
            raise BadCheckpoint(f"'{name}' has {what} weights: {listed(keys)}. It does not fit its config.json.")


def _release(older: str) -> str:
    """Which transformers read it, where names may have changed between its releases."""
    if not older:
        return ""
    return f", as transformers {transformers.__version__} names the weights; `jepascope doctor` says whether that is a release to use"


def guarded(name: str, load: Callable[[], Any], files: Iterable[Path] = ()) -> Any:
    """What ``load`` gives of ``files``, quietly; whatever transformers raises is one sentence."""
    try:
        with _quiet():
            return load()
    except Exception as error:  # transformers raises a dozen kinds; each means the same to the caller
        if (lack := kept_away(name, error, files)) is not None:
            raise lack from None
        raise Unreadable(f"'{name}' could not be loaded: {first_line(error)[:300]} -- is it complete? Download it again.") from None


@contextmanager
def _quiet() -> Iterator[None]:
    """transformers' own bars and warnings off: what matters of them is checked above and said in one sentence."""
    from transformers.utils import logging as bars

    loggers = [logging.getLogger(name) for name in ("transformers", "huggingface_hub")]
    levels = [logger.level for logger in loggers]
    shown = bars.is_progress_bar_enabled()
    bars.disable_progress_bar()
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)  # an error is raised as well
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
        if shown:
            bars.enable_progress_bar()
