"""What holds everywhere unless a study or the command line says otherwise. May touch: nothing."""

from __future__ import annotations

LEVEL = 0.95
"""Level of confidence intervals and bands."""

SEED = 20240601
"""Seed of everything that draws random numbers."""

BAND_DRAWS = 20_000
"""Draws behind the critical value of a uniform band."""

WILD_DRAWS = 999
"""Draws of multipliers behind a bootstrap, and of assignments behind a permutation; with this number α · (draws + 1) is whole."""

REPLICATES = 199
"""Placebos or bootstrap draws behind an error where every choice would be too many."""

MINIMUM_CELL = 10
"""Fewest workers that a published figure may rest on."""

STANDARD_MONTH = 174.0
"""Hours of a standard month, to which a monthly minimum wage belongs."""

NEVER_WORDS = ("", "0", "inf", "+inf", "infinity", "never")
"""What a first-covered column may say for a unit that is never covered (lower case, trimmed)."""

MISSING_WORDS = ("", "na", "nan", "n/a", "null", "none", ".")
"""What counts as a missing value in a text file (lower case, trimmed)."""
