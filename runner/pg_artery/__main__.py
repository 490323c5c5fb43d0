"""`python -m pg_artery` is the command `artery`."""

from pg_artery.cli import main

main()
