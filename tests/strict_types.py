"""The type checker of the tests' import hook: beartype that takes an int where a float is asked for, as PEP 484 and mypy do."""

from __future__ import annotations

from beartype import BeartypeConf, beartype

checked = beartype(conf=BeartypeConf(is_pep484_tower=True))
