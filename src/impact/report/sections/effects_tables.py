"""The numbers behind the effects: by time since first covered, and by cohort."""

from __future__ import annotations

import pandas as pd

from impact.months import label
from impact.report.document import Section, Table
from impact.report.format import count, decimal, interval, p_value, signed
from impact.report.material import Material
from impact.report.sections.effects import has_band, is_unbounded, results
from impact.text import Text

ORDER = 25


def section(material: Material) -> Section | None:
    """Print the tables; the brief leaves them out."""
    if "results" not in material.tables:
        return None
    return Section(Text("Effects in numbers", "效应明细"), (_event_table(material), _cohort_table(material)))


def _event_table(material: Material) -> Table:
    rows = results(material, "event_time")
    return Table(
        "event_study",
        Text(
            f"Effects by time since first covered ({material.effect_unit.en})",
            f"按首次覆盖后的时间划分的效应（{material.effect_unit.zh}）",
        ),
        _columns(Text("Time", "时间")),
        tuple((_time(row), *_numbers(row, material.digits)) for _, row in rows.iterrows()),
        ("right", "right", "right", "right", "right", "right"),
        _note(material, rows),
    )


def _note(material: Material, rows: pd.DataFrame) -> Text:
    """Say what the intervals are, and what the row `overall` is."""
    band = Text(
        "; the figure also shows the band that holds for all together" if has_band(rows) else "",
        "；图中另示对所有时点同时成立的联合带" if has_band(rows) else "",
    )
    mean = Text(
        "“Overall” is the plain mean over the times from 0 on; the headline weighs every cohort and time by the workers of the cohort.",
        "“总体”为时间0起各期的简单平均；正文结论按各组群的人数加权。",
    )
    errors = _RANKED if material.values["inference"]["method"] in ("permutation", "wild") else Text("", "")
    endless = _ENDLESS if is_unbounded(rows) else Text("", "")
    return Text(
        f"The intervals hold each alone{band.en}. {mean.en}{errors.en}{endless.en}",
        f"区间逐点成立{band.zh}。{mean.zh}{errors.zh}{endless.zh}",
    )


_RANKED = Text(
    " Intervals and p come from the resampled test and not from the standard error, which is that by cluster and too small where few are covered.",
    "区间与p值来自重抽样检验而非标准误；后者按聚类计算，受覆盖聚类很少时偏小。",
)
_ENDLESS = Text(" ∞: no effect on that side is rejected.", "∞：该侧没有任何效应被拒绝。")


def _cohort_table(material: Material) -> Table:
    rows = results(material, "cohort")
    label = Text("First covered", "首次覆盖")
    return Table(
        "effects_by_cohort",
        Text(f"Effects by cohort ({material.effect_unit.en})", f"按组群划分的效应（{material.effect_unit.zh}）"),
        _columns(label),
        tuple((_cohort(row, material), *_numbers(row, material.digits)) for _, row in rows.iterrows()),
        ("right", "right", "right", "right", "right", "right"),
    )


def _columns(first: Text) -> tuple[Text, ...]:
    return (
        first,
        Text("Estimate", "估计值"),
        Text("Std. error", "标准误"),
        Text("Interval", "区间"),
        Text("p", "p"),
        Text("Workers", "受覆盖者"),
    )


def _numbers(row: pd.Series[float], digits: int) -> tuple[Text | str, ...]:
    ends = interval(row["conf_low"], row["conf_high"], digits) if row["std_error"] == row["std_error"] else "–"
    return (signed(row["estimate"], digits), decimal(row["std_error"], digits), ends, p_value(row["p_value"]), count(row["workers"]))


def _time(row: pd.Series[float]) -> Text:
    if pd.isna(row["event_time"]):
        return Text("overall", "总体")
    text = signed(float(row["event_time"]), 0)
    return Text(text, text)


def _cohort(row: pd.Series[float], material: Material) -> Text:
    if pd.isna(row["cohort"]):
        return Text("overall", "总体")
    text = label(material.period, int(row["cohort"]))
    return Text(text, text)
