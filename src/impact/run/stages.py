"""The stages of a run, in order: which notebook, and which studies need it. May touch: nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from impact.study import Study
from impact.text import Text


@dataclass(frozen=True, slots=True)
class Stage:
    """One notebook of a run."""

    name: str
    title: Text
    needed: Callable[[Study], bool]
    needs_rows: bool = False
    """Whether it reads worker-months, which a run from a bundle does not have."""

    def notebook(self, place: int) -> str:
        """Give the file name of the notebook."""
        return f"{place:02d}_{self.name}.ipynb"


def _always(_: Study) -> bool:
    return True


STAGES: tuple[Stage, ...] = (
    Stage("data", Text("Data", "数据"), _always, needs_rows=True),
    Stage("attrition", Text("Attrition", "流失"), lambda study: study.attrition is not None, needs_rows=True),
    Stage("design", Text("Design", "设计"), lambda study: study.coverage is not None),
    Stage("effects", Text("Effects", "效应"), lambda study: study.coverage is not None),
    Stage("survey", Text("Survey", "问卷"), lambda study: study.survey is not None, needs_rows=True),
    Stage("report", Text("Report", "报告"), _always),
)


BUNDLE = Stage("bundle", Text("Bundle", "数据包"), _always)
"""What a run from a bundle of moments begins with, in the place of the stage of data."""


def stages_of(study: Study, from_bundle: bool = False) -> list[tuple[Stage, str]]:
    """List the stages that a study needs, each with its notebook's file name; from a bundle none that needs worker-months."""
    placed = [(stage, stage.notebook(place)) for place, stage in enumerate(STAGES, start=1) if stage.needed(study)]
    if not from_bundle:
        return placed
    return [(BUNDLE, BUNDLE.notebook(1)), *((stage, name) for stage, name in placed if not stage.needs_rows)]
