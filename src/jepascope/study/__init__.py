"""The study: a spec becomes a run folder. The package can be called: ``jepascope.study(encoder, clips)`` (see ``jepascope.runs``)."""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import Any


class _Study(ModuleType):
    """A package that is also the function of its name: one attribute of ``jepascope`` cannot be both otherwise."""

    def __call__(self, *given: Any, **named: Any) -> Any:
        return import_module("jepascope.runs").study(*given, **named)


sys.modules[__name__].__class__ = _Study
