"""Checks of the facts on record, and how much clauses bind. May touch: nothing."""
