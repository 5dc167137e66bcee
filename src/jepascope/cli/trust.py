"""``--trust-code``, for every command that reads a spec or a run folder."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Annotated, Any

import typer

TrustCode = Annotated[bool, typer.Option("--trust-code", help="Run code that the spec file or run folder names (module:attribute).")]


def trusts_code(command: Callable[..., None]) -> Callable[..., None]:
    """Typer sees the option before ``--json``; while the command runs, code that files name may run where it was given."""
    own = inspect.signature(command, eval_str=True, locals={"StudySpec": object}).parameters.values()

    @functools.wraps(command)
    def run(*args: Any, trust_code: bool = False, **given: Any) -> None:
        from jepascope.study.trust import trusting

        with trusting(trust_code):
            command(*args, **given)

    option = inspect.Parameter("trust_code", inspect.Parameter.KEYWORD_ONLY, default=False, annotation=TrustCode)
    shown = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in own]
    del run.__wrapped__  # inspect.signature would follow it
    run.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [*(one for one in shown if one.name != "json_"), option, *(one for one in shown if one.name == "json_")]
    )
    run.__annotations__ = {}
    return run
