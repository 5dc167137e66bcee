"""How a module's forward calls its blocks, seen in one forward: what each is given beside its hidden states, and in what order.

Hooks stand for one forward and always come off again.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from jepascope.errors import BadArgument

Run = Callable[[], Any]


@dataclass(frozen=True)
class Call:
    """What a block is given besides its hidden states."""

    rest: tuple[Any, ...]
    beside: Mapping[str, Any]

    def of(self, double: Call, count: int) -> Call:
        """The call for ``count`` inputs, from what it is for one (this) and for two (``double``)."""
        return Call(grown(self.rest, double.rest, count), grown(self.beside, double.beside, count))

    def repeats(self, double: Call) -> bool:
        """Whether the call for two inputs is this one twice: nothing in it comes from the pixels."""
        try:
            twice = self.of(double, 2)
        except (KeyError, ValueError, TypeError):  # other names, another length, another kind of thing
            return False
        return same(twice.rest, double.rest) and same(twice.beside, double.beside)


@dataclass
class Forward:
    """One forward as its hooks saw it: ``calls`` by block, the last block's output, the norm's, and the module's own."""

    order: list[int] = field(default_factory=list)
    shape: tuple[int, ...] = ()
    calls: list[Call] = field(default_factory=list)
    last: Tensor = field(default_factory=lambda: torch.empty(0))
    normed: Tensor | None = None
    out: Any = None


class _Reached(Exception):
    """The first block: the rest of the forward need not run."""


def hidden_of(out: Any) -> Any:
    """The hidden states in what a block returns: themselves, or the first of several things."""
    return out if isinstance(out, Tensor) else out[0]


def first_input(blocks: Sequence[nn.Module], run: Run) -> Tensor:
    """What the first block is given: ``h_0``. The blocks do not run."""
    given: list[Tensor] = []

    def stop(block: nn.Module, args: tuple[Any, ...], named: dict[str, Any]) -> None:
        given.append(_parted(block, 1, args, named)[0])
        raise _Reached

    with hooked([blocks[0].register_forward_pre_hook(stop, with_kwargs=True)]):
        try:
            run()
        except _Reached:
            return given[0]
    raise BadArgument("The forward no longer reaches its first block; wrap the module again.")


def seen(blocks: Sequence[nn.Module], norm: nn.Module | None, run: Run) -> Forward:
    """One forward. BadArgument, in one sentence, where it does more than run the blocks one after the other on the same tokens."""
    forward = Forward()

    def before(index: int, block: nn.Module, args: tuple[Any, ...], named: dict[str, Any]) -> None:
        hidden, call = _parted(block, index, args, named)
        if not forward.order:
            forward.shape = tuple(hidden.shape)
        elif not same(hidden, forward.last):
            raise BadArgument(
                f"its forward does more between blocks: block {index} is not given what block {forward.order[-1]} returns "
                f"({_apart(hidden, forward.last)})"
            )
        forward.order.append(index)
        forward.calls.append(call)

    def after(index: int, block: nn.Module, args: tuple[Any, ...], out: Any) -> None:
        try:
            forward.last = hidden_of(out)
        except (KeyError, IndexError, TypeError):
            raise BadArgument(f"block {index} returns a {type(out).__name__}, whose hidden states cannot be told") from None
        if tuple(forward.last.shape) != forward.shape:
            made = tuple(forward.last.shape)
            raise BadArgument(f"block {index} makes {made} of hidden states of {forward.shape}; layers need the same tokens and width")

    def normed(module: nn.Module, args: tuple[Any, ...], out: Any) -> None:
        if args and isinstance(args[0], Tensor) and same(args[0], forward.last):
            forward.normed = hidden_of(out)

    handles = [block.register_forward_pre_hook(partial(before, index), with_kwargs=True) for index, block in enumerate(blocks, 1)]
    handles += [block.register_forward_hook(partial(after, index)) for index, block in enumerate(blocks, 1)]
    handles += [] if norm is None else [norm.register_forward_hook(normed)]
    with hooked(handles):
        forward.out = run()
    return forward


def same(first: Any, second: Any) -> bool:
    """Whether two arguments are equal, tensors to the bit; of things that cannot be compared only the type is."""
    if isinstance(first, Tensor) or isinstance(second, Tensor):
        return isinstance(first, Tensor) and isinstance(second, Tensor) and first.shape == second.shape and bool(torch.equal(first, second))
    if isinstance(first, Mapping) and isinstance(second, Mapping):
        return list(first) == list(second) and all(same(first[name], second[name]) for name in first)
    if isinstance(first, tuple | list) and isinstance(second, tuple | list):
        return len(first) == len(second) and all(map(same, first, second))
    if isinstance(first, bool | int | float | str | None):
        return bool(first == second)
    return type(first) is type(second)


def grown(single: Any, double: Any, count: int) -> Any:
    """An argument for ``count`` inputs: as for one, or repeated along the axis that is twice as long for two."""
    if isinstance(single, Tensor) and isinstance(double, Tensor) and single.ndim == double.ndim:
        axes = [axis for axis in range(single.ndim) if single.shape[axis] != double.shape[axis]]
        return single.repeat([count if axis in axes else 1 for axis in range(single.ndim)]) if axes else single
    if isinstance(single, Mapping):
        return {name: grown(value, double[name], count) for name, value in single.items()}
    if isinstance(single, tuple | list):
        return type(single)(grown(value, other, count) for value, other in zip(single, double, strict=True))
    return single


def _parted(block: nn.Module, index: int, args: tuple[Any, ...], named: dict[str, Any]) -> tuple[Tensor, Call]:
    """Hidden states, which come first (whether by name or not), and the rest."""
    first = next(iter(inspect.signature(block.forward).parameters), "")
    if args and isinstance(args[0], Tensor):
        return args[0], Call(args[1:], named)
    if not args and isinstance(hidden := named.get(first), Tensor):
        return hidden, Call((), {name: value for name, value in named.items() if name != first})
    given = ", ".join([*(type(value).__name__ for value in args), *named]) or "nothing"
    raise BadArgument(f"block {index} is called with other arguments ({given}) than hidden states first")


def _apart(given: Tensor, returned: Tensor) -> str:
    if given.shape != returned.shape:
        return f"{tuple(given.shape)} after {tuple(returned.shape)}"
    return f"they differ by {float((given - returned).abs().max()):.2g}"


@contextmanager
def hooked(handles: Sequence[Any]) -> Iterator[None]:
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
