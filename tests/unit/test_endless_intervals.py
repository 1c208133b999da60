"""Intervals without an end are written and drawn as what they are, and no check prints errors by cluster that one covered cluster cannot give."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from impact.report.figures import event_study, forest
from impact.report.format import decimal, interval, signed
from impact.report.sections import effects
from impact.report.style import figure_style
from impact.text import LANGUAGES, Text

ENDLESS = {"conf_low": -np.inf, "conf_high": np.inf}
HONEST = {"name": "honest", "text_en": "The mean stays above zero.", "text_zh": "平均效应仍高于零。"}
LEADS = {"name": "leads", "text_en": "Leads.", "text_zh": "前导项。", "numbers": {}}


def path(**ends: float) -> pd.DataFrame:
    """Effects at four times, with the same ends."""
    rows = pd.DataFrame({"event_time": [-2.0, -1.0, 0.0, 1.0], "estimate": [0.1, -0.2, 1.0, 2.0], "std_error": 0.3})
    return rows.assign(p_value=0.5, **{"conf_low": -1.0, "conf_high": 3.0, "band_low": np.nan, "band_high": np.nan, **ends})


def test_an_end_that_is_not_there_is_written_as_infinite():
    assert (decimal(np.inf), decimal(-np.inf), signed(np.inf), signed(-np.inf)) == ("∞", "−∞", "+∞", "−∞")
    assert interval(-np.inf, 2.5, 1) == Text("−∞ to +2.5", "−∞至+2.5")


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_interval_without_an_end_runs_to_the_edge_of_the_figure_and_the_legend_says_so(language):
    with figure_style(language):
        bounded, endless = (
            event_study(table, "month", Text("yuan", "元"), language).axes[0] for table in (path(), path(**ENDLESS, band_low=np.nan))
        )
    low, high = endless.get_ylim()
    ends = [points[:, 1] for one in endless.collections for points in getattr(one, "get_segments", list)() if len(points)]
    assert np.isfinite([low, high]).all() and ends and all((points[0], points[-1]) == (low, high) for points in ends)
    said = [[text.get_text() for text in axes.get_legend().get_texts()] for axes in (bounded, endless)]
    assert len(said[0]) == len(said[1]) == 1 and said[1][0] != said[0][0]
    with_band = event_study(path(band_low=-2.0, band_high=4.0), "month", Text("yuan", "元"), language).axes[0]
    assert len(with_band.get_legend().get_texts()) == 2


def test_a_row_without_ends_leaves_the_others_of_the_ladder_where_they_are():
    rows = pd.DataFrame({"title_en": ["a", "b"], "title_zh": ["甲", "乙"], "estimate": [1.0, 2.0], "main": [True, False]})
    axes = forest(rows.assign(conf_low=[-np.inf, 1.5], conf_high=[np.inf, 2.5]), Text("yuan", "元"), "en").axes[0]
    segments = [points[:, 0].tolist() for one in axes.collections for points in getattr(one, "get_segments", list)()]
    assert [1.5, 2.5] in segments and list(axes.get_xlim()) in segments


def material(clusters: int, **numbers: float) -> Any:
    """What the section on effects reads, with some covered clusters and what the sensitivity analysis found."""
    simple = path().iloc[[3]].assign(term="overall", event_time=np.nan, aggregate="simple", workers=50.0)
    table = pd.concat([path().assign(term="att", aggregate="event_time", workers=50.0), simple]).assign(outcome="pay")
    said = {"estimate": 2.0, "std_error": 0.3, "p_value": 0.5, "conf_low": None, "conf_high": None, "floor": 0.0, "draws": 0, "notes": []}
    record = {
        "method": "permutation",
        "asked": False,
        "reason": {"en": "why", "zh": "原因"},
        "level": 0.95,
        "overall": said,
        "bounded": None,
        "beside": [],
        "left_out": [],
        "notes": [],
    }
    return SimpleNamespace(
        tables={"results": table},
        values={
            "errors": {"covered_clusters": clusters},
            "checks": [LEADS, {**HONEST, "numbers": numbers}],
            "inference": record,
            "level": 0.95,
        },
        study=SimpleNamespace(
            notes=SimpleNamespace(effects=None), coverage=None, effects=None, columns=SimpleNamespace(worker="id"), variants=()
        ),
        outcome=SimpleNamespace(name="pay", in_logs=False, title=Text("pay", "收入")),
        period="month",
        digits=2,
        effect_unit=Text("yuan", "元"),
    )


@pytest.mark.parametrize(
    ("clusters", "numbers", "printed", "words"),
    [
        (12, {"breakdown": 1.2}, True, ""),
        (3, {"breakdown": 1.2}, True, "which 3 covered clusters make too small: read it as the most that could be said"),
        (1, {"breakdown": 1.2}, False, "How far trends may part is not printed"),
        (1, {"breakdown": 0.0}, False, "How far trends may part is not printed"),
        (1, {}, True, ""),
    ],
)
def test_how_far_trends_may_part_is_printed_only_where_errors_by_cluster_are_worth_something(clusters, numbers, printed, words):
    section = effects.section(material(clusters, **numbers))
    said = [block.text for block in section.blocks if hasattr(block, "text")]
    assert any(HONEST["text_en"] in text.en for text in said) == any(HONEST["text_zh"] in text.zh for text in said) == printed
    assert any(words in text.en for text in said) and ("too small" in "".join(text.en for text in said)) == (clusters == 3)
    assert ("不可信" in said[-1].zh or "得不到可信" in said[-1].zh) == (not printed)
