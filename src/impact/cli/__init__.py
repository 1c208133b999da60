"""The command line, and the only room that prints. Heavy imports stay inside the commands, so that --help answers at once. May touch: the terminal."""

from impact.cli.app import main

__all__ = ["main"]
