"""A figure takes a tidy table and a language and returns a figure: prepare, then draw. May touch: matplotlib."""

from impact.report.figures.attrition import rates, survival, tenure_hazards
from impact.report.figures.effects import adoption, event_study, forest, paths
from impact.report.figures.survey import respondents
from impact.report.figures.synthetic import synthetic_weights

__all__ = ["adoption", "event_study", "forest", "paths", "rates", "respondents", "survival", "synthetic_weights", "tenure_hazards"]
