"""Fields of a study, as ``jepascope spec`` lists them."""

from __future__ import annotations

from jepascope.study.fields_listed import listed_fields
from jepascope.study.spec_file import PRESETS
from reference.markdown import code, plain, table


def fields() -> str:
    """What each means, what it is by default, and what presets give in its place."""
    listed = listed_fields()
    every = table("field | default | meaning", ((code(each.name), code(each.default), plain(each.meaning)) for each in listed))
    changed = [
        f"## Preset `{preset}`\n\n" + table("field | value", [(code(each.name), code(each.presets[preset])) for each in own])
        for preset in PRESETS
        if (own := [each for each in listed if preset in each.presets])
    ]
    return "\n\n".join([every, *changed])
