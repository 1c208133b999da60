"""Runs with one, three and twelve covered clusters: the report says which inference it is and why, and the verdict goes by it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pypdf import PdfReader

from impact.run.run import Run, run_study

ROOT = Path(__file__).parents[2]
REASON = {"en": "Errors by cluster, as the contract of the study asks.", "zh": "按研究合同要求使用聚类标准误。"}
STUDY = """
name: couriers
title: {{en: What goes with the agreement?, zh: 协议之后有何不同？}}
question: {{en: By how much does income differ?, zh: 收入相差多少？}}
source: {{file: panel.csv, citation: made up}}
period: month
columns: {{worker: worker, month: month, unit: city, first_covered: first}}
outcomes:
  - {{name: income_net, column: pay, kind: income, title: {{en: Income, zh: 收入}}, unit: {{en: yuan, zh: 元}}}}
coverage: {{name: {{en: the agreement, zh: 集体协议}}, decided_by: agreement}}
effects: {{comparison: never{asked}}}
variants:
  - {{name: early, anticipation: 2, title: {{en: "Variant: known early", zh: 变体：提前得知}}}}
"""
ASKED = f", inference: {{method: cr1, reason: {{en: '{REASON['en']}', zh: '{REASON['zh']}'}}}}"


def panel(covered: int, never: int) -> pd.DataFrame:
    """Couriers of cities of unequal size over 24 months, some of whom enter late; 5 % of rows are deleted. Those covered are so from month 14 on."""
    generator = np.random.default_rng(5)
    rows = []
    for city, size in enumerate(generator.permutation(np.geomspace(10, 40, covered + never).round().astype(int))):
        shocks = generator.normal(0, 60, 24)
        for worker in range(size):
            level, entry = generator.normal(5000, 300), generator.integers(0, 6) if worker % 4 == 0 else 0
            for month in range(entry, 24):
                pay = level + shocks[month] + 200 * (city < covered and month >= 13) + generator.normal(0, 100)
                date = f"{2023 + month // 12}-{month % 12 + 1:02d}"
                rows.append((f"{city}-{worker}", date, f"city {city}", "2024-02" if city < covered else "", round(pay)))
    table = pd.DataFrame(rows, columns=["worker", "month", "city", "first", "pay"])
    return table.drop(table.sample(frac=0.05, random_state=1).index)


def run_with(covered: int, never: int, folder: Path, asked: str = "") -> Run:
    (folder / "data").mkdir()
    panel(covered, never).to_csv(folder / "data" / "panel.csv", index=False)
    study = folder / "couriers.yaml"
    study.write_text(STUDY.format(asked=asked), encoding="utf-8")
    return run_study(study, folder / "data", folder / "reports", notebooks=ROOT / "notebooks")


def stage(run: Run, name: str) -> dict:
    return json.loads((run.folder / "stages" / f"{name}.json").read_text(encoding="utf-8"))


def words(run: Run, document: str) -> str:
    """The text of a PDF, without blanks, which come and go where lines break."""
    return "".join("".join(page.extract_text() for page in PdfReader(run.folder / document).pages).split())


def squeezed(sentence: str) -> str:
    return "".join(sentence.split())


@pytest.mark.parametrize(
    ("covered", "never", "method", "beside", "floor"),
    [(1, 9, "permutation", "ferman_pinto", 1 / 10), (3, 9, "permutation", "wild", 1 / 220), (12, 12, "cr2", "wild", 0)],
)
def test_a_run_infers_as_its_clusters_ask_and_says_so_in_both_languages(covered, never, method, beside, floor, tmp_path) -> None:
    run = run_with(covered, never, tmp_path)
    record, results = stage(run, "inference"), pd.read_parquet(run.folder / "results.parquet")
    assert (record["method"], [one["method"] for one in record["beside"]]) == (method, [beside])
    assert record["overall"]["floor"] == pytest.approx(floor)
    headline = results[results["aggregate"] == "simple"].iloc[0]
    assert headline["p_value"] == record["overall"]["p_value"]
    assert np.isinf(headline["conf_low"]) == (covered == 1)
    assert results["band_low"].notna().any() == (method == "cr2")
    ladder = pd.read_parquet(run.folder / "stages" / "ladder.parquet")
    assert ladder["p_value"].iloc[0] == headline["p_value"] and ladder["p_value"].iloc[1] >= floor

    found = stage(run, "verdict")
    assert ("p_value_floor" in found["capped_by"], "few_covered_clusters" in found["capped_by"]) == (covered == 1, covered < 10)
    assert found["level"] == "V2" if covered < 10 else "V3"
    english, chinese = words(run, "brief.en.pdf"), words(run, "brief.zh.pdf")
    assert squeezed(record["reason"]["en"])[1:] in english and squeezed(record["reason"]["zh"]) in chinese
    assert ("Nop-valuebelow0.100waspossible" in english) == (covered == 1) == ("p值都不可能低于0.100" in chinese)
    assert ("no95%intervalisbounded;90%interval" in english) == (covered == 1) == ("95%区间无界；90%区间" in chinese)


def test_the_reason_of_a_study_that_asks_for_another_method_is_printed(tmp_path) -> None:
    run = run_with(1, 9, tmp_path, ASKED)
    record, found = stage(run, "inference"), stage(run, "verdict")
    assert (record["method"], record["overridden"]) == ("cr1", "permutation")
    assert squeezed(REASON["en"]) in words(run, "brief.en.pdf") and squeezed(REASON["zh"]) in words(run, "brief.zh.pdf")
    assert "Only1coveredclusterstandsbehindtheseerrors" in words(run, "brief.en.pdf")
    assert found["rule"] == "p_value_floor"  # errors by one covered cluster make p tiny; the verdict does not look at it
