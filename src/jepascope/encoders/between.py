"""What lies between the parts of a block, seen on a pass through all of it: what the next of its sub-modules (a norm) is given."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from torch import Tensor, nn

from jepascope.encoders.blocks_called import hooked, same


def gate_of(block: nn.Module, run: Callable[[], Any], between: Tensor) -> str:
    """The sub-module of a block that ``run`` gives what lies ``between`` its parts, to the bit; "" where there is none.

    One that is called once and is given it first. Of several the last: where attention adds next to nothing, what came before it looks
    alike. Compared when all has run, so that nothing is taken for it that the block writes over later on.
    """
    given: list[tuple[str, Tensor]] = []

    def look(name: str, module: nn.Module, args: tuple[Any, ...]) -> None:
        if args and isinstance(args[0], Tensor):
            given.append((name, args[0]))

    with hooked([module.register_forward_pre_hook(partial(look, name)) for name, module in block.named_modules() if name]):
        run()
    calls = Counter(name for name, _ in given)
    return next((name for name, seen in reversed(given) if calls[name] == 1 and same(seen, between)), "")


@contextmanager
def given_to(block: nn.Module, name: str) -> Iterator[list[Tensor]]:
    """In this context: what a sub-module of the block is given."""
    given: list[Tensor] = []
    with hooked([block.get_submodule(name).register_forward_pre_hook(lambda _, args: given.append(args[0]))]):
        yield given
