"""``python -m jepascope``, and the installed command. Ctrl-C is answered before anything that takes time is imported."""

from __future__ import annotations

import os

try:
    from jepascope.interrupt import INTERRUPTED, leave, prepare

    prepare()
except KeyboardInterrupt:
    os._exit(130)


def main() -> None:
    """Entry point."""
    from jepascope.cli import main as command

    try:
        command()
    except SystemExit as ended:
        if ended.code == INTERRUPTED:
            leave()
        raise


if __name__ == "__main__":
    main()
