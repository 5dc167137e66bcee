"""Every command, as its own help has it."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import Any

import typer

from jepascope.cli import app
from reference.markdown import code, plain, table


def commands() -> str:
    """By the panels of ``jepascope --help``."""
    panels: dict[str, list[str]] = defaultdict(list)
    for name, command in typer.main.get_group(app).commands.items():
        panels[command.rich_help_panel].append(_command(name, command))
    return "\n\n".join(f"## {panel}\n\n" + "\n\n".join(shown) for panel, shown in panels.items())


def _command(name: str, command: Any) -> str:
    arguments = " ".join(_metavar(each) for each in command.params if each.param_type_name == "argument")
    examples = re.sub(r"^Examples?:", "", command.epilog or "").split("|")
    parts = [f"### `jepascope {name}`", plain(command.help), f"Usage: `{f'jepascope {name} {arguments}'.strip()} [options]`"]
    parts.append("\n".join(["```bash", *(example.strip() for example in examples), "```"]))
    if options := [each for each in command.params if each.param_type_name == "option"]:
        parts.append(table("option | default | meaning", sorted(map(_option, options), key=lambda row: row[0])))
    return "\n\n".join(part for part in parts if part)


def _metavar(argument: Any) -> str:
    word = argument.metavar or argument.name.upper()
    return word if argument.required else f"[{word}]"


def _option(option: Any) -> tuple[str, str, str]:
    names = ", ".join(f"`{name}`" for name in (*option.opts, *option.secondary_opts))
    default = "" if option.is_flag or callable(option.default) else code(option.default)
    variable = f" Environment: `{option.envvar}`." if option.envvar else ""
    return names, default, f"{plain(option.help or '')}{variable}"
