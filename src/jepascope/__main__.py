"""``python -m jepascope``."""

from jepascope.cli import main

main()
