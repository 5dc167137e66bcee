"""Which true state variables tiny-jepa's latents hold, which its own predictor uses, and which it carries over a rollout.

pip install 'jepascope[worlds]'
python examples/tiny_jepa/study.py                       # all eight, and RESULTS.md beside this file
python examples/tiny_jepa/study.py pellet_x agent_x      # some; RESULTS.md is written when all are there
"""

import platform
import sys
from importlib.metadata import version
from pathlib import Path

import torch
from world import STEPS, VARIABLES, clips, trained

import jepascope as js
from jepascope.findings.numbers import decimals, percent, share_words, whole_percent, with_interval

RUNS = Path("runs/tiny-jepa")
RESULTS = Path(__file__).with_name("RESULTS.md")
COUNT, SHOWN = 700, (1, 2, 4, STEPS)  # clips; steps of the table
ASKED = {
    "read": "Is it read from the latents?",
    "used by its own rollout": "Does its own predictor use it?",
    "carried by its own rollout": "Does its own rollout carry it?",
}
FIELDS = {
    "finders": ("diff_means",),
    "edits": ("ablate", "swap"),
    "judges": ("probe", "rollout"),
    "context": 1,  # the rollout starts from the first frame alone
    "test_scenes": 120,
    "chapters": (),
    "rank": 1,
}


def studied(variable):
    """The study of one variable; what is finished stays."""
    run = js.study(trained(), clips(variable, COUNT), variable=variable, out=RUNS / variable, **FIELDS)
    run.report()
    return run


def numbers(claim):
    """The effect that a claim leads with, and the control that comes closest, in words; what it says where it states none."""
    own = next((number for number in claim["numbers"] if number["what"] == "CE of swap" and not number["control"]), None)
    if own is None:
        return claim["verdict"]
    null = next(number for number in claim["numbers"] if number["what"] == "CE of swap" and number["control"])
    size = whole_percent(own["value"], own["low"], own["high"])
    return f"{claim['verdict']}: {size} (n = {own['n']:.0f}); {null['control']} {decimals(100 * null['value'], 0)} %"


def row(variable, run):
    """A line of the table: how it is read at the site, how far rollouts follow, and what edits do to them."""
    claims = {claim["name"]: claim for claim in run.claims}
    steps = {int(step["step"]): step for step in run.table("fidelity").to_dict("records")}
    probes = run.table("probes")
    dense = probes[probes["chosen"] & (probes["probe"] == "dense") & (probes["tokens"] == "all") & (probes["layer"] == 0)]
    own = dense[dense["encoder"] == "model"].iloc[0]
    untrained = dense[dense["encoder"] == "untrained"]["accuracy"].max()
    read = f"{share_words(own['accuracy'], own['low'], own['high'])} (n = {own['n']:.0f}); untrained {percent(untrained)}"
    follows = "; ".join(with_interval(*(steps[step][f"error{end}"] for end in ("", "_low", "_high"))) for step in (1, STEPS))
    as_such = ", ".join(decimals(100 * steps[step]["code"], 0) for step in SHOWN)
    used, carried = (numbers(claims[f"{name} by its own rollout"]) for name in ("used", "carried"))
    return f"| {variable} | {read} | {follows} | {as_such} | {used} | {carried} |"


def results(runs):
    """RESULTS.md: the table, what every claim says, and what it was made with."""
    made_with = ", ".join(f"{name} {version(name)}" for name in ("jepascope", "tiny-jepa", "torch", "numpy"))
    columns = (
        "state",
        f"read from the latents (chance {percent(0.5)})",
        f"error of rollouts at steps 1 and {STEPS}",
        f"read from rollouts as such at steps {', '.join(map(str, SHOWN))}, %",
        "used by its own predictor",
        f"carried over {STEPS} steps",
    )
    lines = [
        "# tiny-jepa: which state it reads, uses and carries",
        "",
        f"Made by `python examples/tiny_jepa/study.py` with {made_with}, Python {platform.python_version()}, on a CPU. Of each variable "
        f"{COUNT} clips of {STEPS} steps under random actions; intervals are 95 %, over test scenes.",
        "",
        f"| {' | '.join(columns)} |",
        f"|{'---|' * len(columns)}",
        *(row(variable, run) for variable, run in runs.items()),
        "",
        "Error: squared distance of unedited rollouts to the real latents, over that of the present repeated; a rollout follows reality "
        "where it lies below 1. Used, carried: how far a swap inside the rank-1 diff_means subspace moves the margin to the twin's own "
        "rollout, and the matched control that comes closest (mean draw).",
    ]
    for name, question in ASKED.items():
        lines += ["", f"## {question}", ""]
        for variable, run in runs.items():
            claim = next(claim for claim in run.claims if claim["name"] == name)
            lines.append(f"- **{variable}**: {claim['verdict']}. {claim['sentence']}")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    torch.set_num_threads(1)
    for variable in sys.argv[1:] or VARIABLES:
        print(studied(variable).summary["headline"])
    if all((RUNS / variable / "summary.json").exists() for variable in VARIABLES):
        RESULTS.write_text(results({variable: js.load_run(RUNS / variable) for variable in VARIABLES}), encoding="utf-8")
        print(f"{RESULTS} is written.")
