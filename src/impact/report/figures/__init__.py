"""A figure takes a tidy table and a language and returns a figure: prepare, then draw. May touch: matplotlib."""

from impact.report.figures.attrition import rates, survival, tenure_hazards
from impact.report.figures.cells import MOST_UNITS, cell_weights, cells
from impact.report.figures.discontinuity import discontinuity
from impact.report.figures.dose import dose_response
from impact.report.figures.effects import adoption, event_study, forest, paths
from impact.report.figures.staircase import cohort_sizes, staircase
from impact.report.figures.survey import respondents
from impact.report.figures.synthetic import synthetic_weights

__all__ = [
    "MOST_UNITS",
    "adoption",
    "cell_weights",
    "cells",
    "cohort_sizes",
    "discontinuity",
    "dose_response",
    "event_study",
    "forest",
    "paths",
    "rates",
    "respondents",
    "staircase",
    "survival",
    "synthetic_weights",
    "tenure_hazards",
]
