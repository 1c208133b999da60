"""What a run hands to readers: report, brief, web page, tables. May touch: the run's folder."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import impact
from impact.clean.audit import Audit
from impact.report.build import tables_of
from impact.report.document import Document
from impact.report.material import Material
from impact.report.render import render_html, render_pdf
from impact.run.folder import Markdown, RunFolder
from impact.study import Study
from impact.text import LANGUAGES
from impact.verdict.verdict import Verdict

_OF_SURVEY = ("flow", "estimates", "by", "shares", "scales", "ranks", "link_rates", "link_missed")
TABLES = (
    "rates",
    "hazards",
    "survival_at",
    "definitions",
    "returns",
    "entry_cohorts",
    "churn_change",
    "results",
    "ladder",
    "cells",
    "adoption",
    "income_ladder",
    *(f"survey_{name}" for name in _OF_SURVEY),
)
SYNTHETIC = "SYNTHETIC / 合成数据"
"""What every row of a published table says where the data are synthetic."""
VALUES = (
    "received",
    "bundle",
    "registry",
    "checks",
    "errors",
    "inference",
    "spell_rules",
    "not_computed",
    "coverage_rules",
    "design_facts",
    "survey",
)


def material_of(study: Study, run: RunFolder, verdict: Verdict, level: float, seed: int) -> Material:
    """Collect what the report is made of."""
    values: dict[str, Any] = {name: run.read_json(name) for name in VALUES if run.has(name)}
    return Material(
        study=study,
        run=run.path.name.removeprefix(".partial-"),
        period=run.read_json("period"),
        audit=Audit.from_dict(run.read_json("audit")),
        verdict=verdict,
        tables={name: run.read_table(name) for name in TABLES if run.has(name)},
        values={**values, "level": level, "seed": seed, "made_with": f"impact {impact.__version__}"},
    )


def publish(document: Document, study: Study, run: RunFolder) -> Markdown:
    """Write report.pdf, brief.zh.pdf, brief.en.pdf, report.html, tables/*.csv and results.parquet."""
    when = datetime.now(UTC)
    render_pdf(document, study.report.language, "report", run.figures, run.path / "report.pdf", when)
    for language in LANGUAGES:
        render_pdf(document, language, "brief", run.figures, run.path / f"brief.{language}.pdf", when)
    render_html(document, run.figures, run.path / "report.html")
    for table in tables_of(document):
        rows = [[cell if isinstance(cell, str) else cell["en"] for cell in row] for row in table.rows]
        columns = [column["en"] for column in table.columns]
        run.write_csv(table.name, [*columns, *_stamp_column(study)], [[*row, *_stamp(study)] for row in rows])
    results = next(name for name in ("results", "rates") if run.has(name))
    run.publish_table(results, "results", dict(zip(_stamp_column(study), _stamp(study), strict=True)))
    written = ("report.pdf", "brief.zh.pdf", "brief.en.pdf", "report.html", "results.parquet", "tables/", "figures/")
    return Markdown("Written: " + ", ".join(f"`{name}`" for name in written))


def _stamp_column(study: Study) -> tuple[str, ...]:
    """Name the column that tells synthetic numbers from others, where they are synthetic."""
    return ("data",) if study.synthetic else ()


def _stamp(study: Study) -> tuple[str, ...]:
    return (SYNTHETIC,) if study.synthetic else ()
