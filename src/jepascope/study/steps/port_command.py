"""Steps of ``jepascope port``, declared: what is found in one run, used in another model, or in another run of the same encoder."""

from jepascope.study.step import Step

MODELS = (
    Step(name="capture", run="jepascope.study.port.sides:capture_both", needs=("a", "b")),
    Step(name="layers", run="jepascope.study.port.similarity:matched_layers", needs=("a", "b")),
    Step(
        name="similarity",
        tables=("similarity",),
        run="jepascope.study.port.similarity:similarity_table",
        needs=("a", "b", "layers", "components"),
    ),
    Step(
        name="transport",
        tables=("transport",),
        run="jepascope.study.port.transport:transport_table",
        needs=("layers", "finders", "components", "run"),
    ),
)
SUBSPACES = (
    Step(
        name="port",
        tables=("portability", "angles"),
        run="jepascope.study.port.found_elsewhere:run_subspaces_table",
        needs=("a", "b", "finders"),
    ),
)
STEPS = {"models": MODELS, "subspaces": SUBSPACES}
"""By what the two sides are: different models, or runs of one."""
