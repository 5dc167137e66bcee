"""Interchanges on a system and its explanation: our swap, its controls and an exchange of what is not mapped, on named variables.

A system's variables have names and no blocks, so that an encoder cannot be made of it: what is exchanged are the variables that the
explanation maps. All else is as in a study: a scene is a run of the system from drawn inputs, the donor another run, and

    CE = sum <o(swapped) - o(base), e(swapped) - e(base)> / sum |e(swapped) - e(base)|^2

with o the outputs that the system gives, lifted by the explanation's value map, and e what the explanation says they are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

Writes = dict[str, Any]
Vector = np.ndarray
Cells = Sequence[tuple[str, Any]]
Content = list[tuple[str, Any, Vector]]
"""Of some variables: the name, which places of it (None: all), and what they hold, (1, size)."""


@dataclass(frozen=True)
class Run:
    """A scene: its labels of the roots, what grounds them, the system's state and its labels, and those that the explanation says."""

    roots: Mapping[str, Any]
    grounded: Writes
    state: Any
    labels: Mapping[str, Any]
    said: Mapping[str, Any]


class System:
    """One system with one explanation of it: an EvaluationEngine of causal-abstraction-eval 1.1.0, asked through its own steps."""

    def __init__(self, engine: Any, outputs: Sequence[str], rng: np.random.Generator) -> None:
        self.engine, self.builder, self.rng, self.outputs = engine, engine.builder, rng, tuple(outputs)
        self.map, self.graph = engine.cg_map, engine.high_level_model
        self.roots = self.graph.get_roots()

    @property
    def variables(self) -> list[str]:
        """Mapped macro-variables that are no outputs: what the explanation says can be exchanged."""
        return [name for name in self.graph.variables if self.map.get_micro_vars(name) and name not in self.outputs]

    def scene(self) -> Run:
        """A run of the system from inputs drawn as the explanation's roots are distributed."""
        from causal_abstraction import TopDownSampler

        sampler = TopDownSampler(self.engine.value_map)
        asked = sampler.sample_intervention(self.roots, batch_size=1, force_all=True, rng=self.rng)
        grounded = self.builder._step_ground_or_passthrough(asked, rng=self.rng)
        state, lifted = self.run(grounded)
        roots = {name: lifted.get(name, each["labels"][0]) for name, each in asked.items()}  # as the value map reads them, not as drawn
        return Run(roots, grounded, state, lifted, self.say(roots))

    def run(self, writes: Writes) -> tuple[Any, dict[str, Any]]:
        """The state of the system under these writes, and its labels."""
        state = self.builder._step_low_level_model_execute(writes, rng=self.rng)
        return state, {name: each[0] for name, each in self.builder._step_abstract(state).items()}

    def say(self, labels: Mapping[str, Any]) -> Mapping[str, Any]:
        """What the explanation says every variable is, given some."""
        given = {name: self.builder._coerce_label(label) for name, label in labels.items()}
        said: Mapping[str, Any] = self.graph.predict(given, rng=self.rng)
        return said

    def swapped(self, base: Run, content: Content) -> Mapping[str, Any]:
        """Labels of the base's run with some variables written over."""
        return self.run(written_over(base.grounded, content))[1]

    def moved(self, before: Mapping[str, Any], after: Mapping[str, Any], names: Sequence[str] = ()) -> Vector:
        """What changed of the outputs, or of the variables named."""
        moved: Vector = vector(after, names or self.outputs) - vector(before, names or self.outputs)
        return moved

    def cells(self, name: str) -> list[tuple[str, Any]]:
        """The micro-variables of a macro-variable, and which of their places."""
        return [(cell.variable, cell.index) for cell in self.map.get_micro_vars(name)]

    def elsewhere(self, name: str) -> list[tuple[str, Any]]:
        """Micro-variables that the exchange of a macro-variable leaves alone, and that are neither inputs nor outputs."""
        taken = {cell for each in (name, *(root.name for root in self.roots), *self.outputs) for cell, _ in self.cells(each)}
        return [(variable, None) for variable in sorted(self.map.schema.variable_names - taken)]

    def unmapped(self, base: Run) -> Mapping[str, Any]:
        """Labels with noise in everything that the explanation does not map, drawn as its own test of faithfulness draws it."""
        return self.run(self.builder._step_inject_phi_noise(dict(base.grounded), rng=self.rng, batch_size=1))[1]


def content(state: Any, cells: Cells) -> Content:
    """What some variables hold in a state."""
    held = []
    for variable, index in cells:
        value = np.atleast_2d(np.asarray(state[variable], dtype=float))
        part = value if index is None else value[:, slice(index, index + 1) if isinstance(index, int) else index]
        held.append((variable, index, part))
    return held


def written_over(writes: Writes, content: Content) -> Writes:
    """Writes with some variables, or places of them, written over."""
    made = dict(writes)
    for variable, index, value in content:
        earlier = made.get(variable)
        if index is None:
            made[variable] = value
        else:
            before = earlier if isinstance(earlier, list) else [] if earlier is None else [(None, earlier)]
            made[variable] = [*before, (index, value)]
    return made


def vector(labels: Mapping[str, Any], names: Sequence[str]) -> Vector:
    """The labels of some variables as one vector; NaN for one that the value map gives none for."""
    parts = []
    for name in names:
        try:
            parts.append(np.asarray(labels[name], dtype=float).ravel())
        except (KeyError, TypeError, ValueError):
            parts.append(np.array([np.nan]))
    return np.concatenate(parts)
