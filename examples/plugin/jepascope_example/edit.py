"""An edit: what is added to the hidden states, and how its effect is counted."""

from jepascope.intervention.edit_entry import EditEntry

ENTRY = EditEntry(
    name="halve",
    meaning="half of what ablation takes away",
    run="jepascope_example.edit:halve",
    outcome="lost",
    noun="halving",
    doing="halving",
    does="removes",
    share="of the judge's margin",
)


def halve(made_from):
    return (made_from.mean - made_from.hidden) / 2
