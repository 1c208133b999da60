"""The registry in print: plain values, a figure on which nothing overlaps, a section that says no more than the record."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from impact.clean.registry.values import registry_values
from impact.report.build import texts_of
from impact.report.document import Bullets, Document, Table
from impact.report.figures.timeline import MOST_ALONE, timeline
from impact.report.sections.agreements import section
from impact.report.style import figure_style
from impact.simulate.registry_files import registry_files
from impact.simulate.world import load_world
from impact.sources.registry import Registry, load_registry
from impact.text import LANGUAGES, Text
from impact.verdict.wording import require_allowed

ROOT = Path(__file__).parents[2]
FACTS = load_registry(ROOT / "data" / "registry")
PRINTED = ("dier-network", "ciwei-tripartite", "chengyang-freight")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Registry:
    folder = tmp_path_factory.mktemp("registry")
    for name, text in registry_files(load_world(ROOT / "worlds" / "default.yaml"), FACTS).items():
        (folder / name).write_text(text, encoding="utf-8")
    return load_registry(folder)


def drawn(values: dict[str, Any], language: str, alone: tuple[str, ...] = ()) -> Figure:
    with figure_style(language):
        figure = timeline(values, language, alone)
        FigureCanvasAgg(figure).draw()
    return figure


def labels(figure: Figure) -> Iterator[list[Any]]:
    for axes in figure.axes:
        yield [label for label in axes.get_yticklabels() if label.get_text()]


def test_the_values_are_plain_and_the_same_after_a_journey_through_json(world):
    for registry in (FACTS, world):
        values = registry_values(registry)
        assert json.loads(json.dumps(values, allow_nan=False)) == values


def test_a_date_that_nobody_stated_is_none_and_a_month_is_all_its_days():
    values = registry_values(FACTS)
    assert {tuple(one["dates"].values()) for one in values["agreements"]} == {(None,) * 6}
    events = {one["id"]: one["days"] for one in values["events"]}
    assert events["guidance-56-2021"] == ["2021-07-01", "2021-07-31"]
    assert events["commission-cuts-2025"] == ["2025-08-15", "2025-08-22"]
    assert events["qinghai-hut-2026"] is None


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_label_of_the_timeline_meets_another_or_leaves_the_page(world, language):
    for registry, alone in ((FACTS, ()), (world, PRINTED)):
        figure = drawn(registry_values(registry), language, alone)
        assert figure.get_figheight() < 9.5
        page = figure.bbox
        for found in labels(figure):
            boxes = [label.get_window_extent() for label in found]
            assert not [1 for one, other in combinations(boxes, 2) if one.overlaps(other)]
            assert all(box.x0 >= page.x0 and box.y0 >= page.y0 and box.y1 <= page.y1 for box in boxes)


def test_many_agreements_are_counted_by_month_and_none_is_lost(world):
    figure = drawn(registry_values(world), "en", PRINTED)
    agreements, counts, _ = figure.axes
    assert len(agreements.get_yticks()) == 3
    assert sum(patch.get_height() for patch in counts.patches) == len(world.agreements) - 3
    assert f"The other {len(world.agreements) - 3} agreements" in counts.get_title(loc="left")


def test_without_names_those_that_cover_most_are_drawn_alone(world):
    figure = drawn(registry_values(world), "en")
    assert any("Dier" in label.get_text() for label in next(labels(figure)))


def test_few_agreements_have_a_line_each(world):
    few = {name: world.agreements[name] for name in list(world.agreements)[:MOST_ALONE]}
    figure = drawn(registry_values(replace(world, agreements=few)), "en")
    assert len(figure.axes) == 2
    assert len(figure.axes[0].get_yticks()) == MOST_ALONE


def words_on(figure: Figure) -> set[str]:
    return {text.get_text() for axes in figure.axes for text in axes.texts}


def test_what_is_not_stated_is_drawn_as_not_stated(world):
    assert words_on(drawn(registry_values(FACTS), "zh")) == {"日期均未说明", "未说明"}
    assert words_on(drawn(registry_values(world), "zh", PRINTED)) == set()


def test_a_missing_expiry_is_named_beside_the_agreement(world):
    dier = world.agreements["dier-network"]
    open_ended = dier.model_copy(update={"expiry": FACTS.agreements["dier-network"].expiry})
    figure = drawn(registry_values(replace(world, agreements={"dier-network": open_ended})), "en")
    label = next(labels(figure))[0].get_text()
    assert "not stated: announced, expiry" in label
    assert any(patch.get_hatch() for patch in figure.axes[0].patches)


def test_nothing_dated_can_be_drawn_too():
    values = registry_values(replace(FACTS, events={}))
    assert len(drawn(values, "en").axes) == 1


def material(values: dict[str, Any]) -> Any:
    return SimpleNamespace(values=values)


def test_a_study_without_a_registry_has_no_section():
    assert section(material({})) is None


def test_the_section_claims_no_more_than_the_lowest_verdict_carries(world):
    for registry in (FACTS, world):
        found = section(material({"registry": json.loads(json.dumps(registry_values(registry)))}))
        box = SimpleNamespace(reason=Text("", ""), would_raise=Text("", ""))
        texts = texts_of(Document("s", "r", Text("", ""), Text("", ""), box, (), (found,), ()))
        assert len(texts) > 15
        require_allowed(texts, "V0")


def test_few_agreements_are_listed_and_many_are_summed_up_by_industry(world):
    for registry, first in ((FACTS, "Agreement"), (world, "Industry")):
        found = section(material({"registry": registry_values(registry)}))
        table = next(block for block in found.blocks if isinstance(block, Table))
        assert table.columns[0].en == first
        assert all(len(row) == len(table.columns) == len(table.align) for row in table.rows)
    assert sum(int(row[1]) for row in table.rows) == len(world.agreements)


def test_what_must_be_asked_is_printed_and_mere_notes_are_not():
    found = section(material({"registry": registry_values(FACTS)}))
    bullets = next(block for block in found.blocks if isinstance(block, Bullets))
    assert [one.en.startswith("The first day in effect is not stated") for one in bullets.items].count(True) == 1
    assert not [one for one in bullets.items if "secondary" in one.en]
