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
from jepascope.findings.names import control_name
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
    """The study of one variable; a finished one stays."""
    if (RUNS / variable / "report.html").exists():
        return js.load_run(RUNS / variable)
    run = js.study(trained(), clips(variable, COUNT), variable=variable, out=RUNS / variable, **FIELDS)
    run.report()
    return run


def named(claim, what, control=""):
    """A number of a claim by its name; None where it has none, or states no effect."""
    numbers = (number for number in claim["numbers"] if number["what"] == what and (number["control"] == control or control == "any"))
    return next((number for number in numbers if control != "any" or number["control"]), None)


def effect(claim):
    """The effect that a claim leads with, and how far it lies beyond the control that comes closest; its verdict where it states none."""
    own, null = named(claim, "CE of swap"), named(claim, "CE of swap", "any")
    if own is None:
        return claim["verdict"]
    beyond = named(claim, "CE of swap, beyond", null["control"])
    points = " ".join(decimals(100 * beyond[end], 0) for end in ("value", "low", "high"))
    value, low, high = points.split()
    size = whole_percent(own["value"], own["low"], own["high"])
    return f"{claim['verdict']}: {size} (n = {own['n']:.0f}), by {value} [{low}, {high}] points more than {control_name(null['control'])}"


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
    used, carried = (effect(claims[f"{name} by its own rollout"]) for name in ("used", "carried"))
    return f"| {variable} | {read} | {follows} | {as_such} | {used} | {carried} |"


def summed_up(runs):
    """What all of it comes to, read off the claims and tables."""
    claims = {variable: {claim["name"]: claim for claim in run.claims} for variable, run in runs.items()}
    steps = {variable: run.table("fidelity").set_index("step") for variable, run in runs.items()}
    reads = {variable: run.summary["reading"]["read"] for variable, run in runs.items()}

    def those(fits):
        return ", ".join(filter(fits, runs)) or "none"

    def verdict(name):
        return lambda variable: claims[variable][name]["verdict"] == "shown"

    def moves(variable):
        swap = named(claims[variable]["used by its own rollout"], "CE of swap")
        return swap is not None and swap["low"] > 0 and not verdict("used by its own rollout")(variable)

    latents, ahead = spread()
    return [
        f"- Read from the latents above chance: {those(reads.get)}; better than from pixels, frame differences and every untrained twin: "
        f"{those(verdict('read'))}.",
        f"- Used by its own predictor, beyond every matched control: {those(verdict('used by its own rollout'))}. Moved by a swap, and not "
        f"shown to be more than what every control does: {those(moves)}.",
        f"- Carried over {STEPS} steps: {those(verdict('carried by its own rollout'))}; rollouts follow reality at the first step in "
        f"{sum(at.loc[1, 'error_high'] < 1 for at in steps.values())} of {len(runs)} sets of clips, at the last in "
        f"{sum(at.loc[STEPS, 'error_high'] < 1 for at in steps.values())}.",
        f"- After one step latents vary by {ahead:.2f} over clips (standard deviation, mean over coordinates), where the encoder's vary by "
        f"{latents:.2f}: the predictor writes on another scale than the encoder, and its own output is what it is given next.",
    ]


def spread():
    """How much latents vary over clips one step on: the encoder's, and the predictor's."""
    some, encoder = clips(VARIABLES[0], 200), trained()
    latents = encoder.embed(some.video())
    ahead = encoder.rollout(latents[:, :1], torch.from_numpy(some.recorded.actions).float())
    return float(latents[:, 1].std(dim=0).mean()), float(ahead[:, 0].std(dim=0).mean())


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
        f"{COUNT} clips of {STEPS} steps under random actions; intervals are 95 %, of effects over fits, read-outs and test scenes.",
        "",
        *summed_up(runs),
        "",
        f"| {' | '.join(columns)} |",
        f"|{'---|' * len(columns)}",
        *(row(variable, run) for variable, run in runs.items()),
        "",
        "Error: squared distance of unedited rollouts to the real latents, over that of the present repeated; a rollout follows reality "
        "where it lies below 1. Used, carried: how far a swap inside the rank-1 diff_means subspace moves the margin to the twin's own "
        "rollout, and how far that lies beyond one more draw of the matched control that comes closest.",
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
