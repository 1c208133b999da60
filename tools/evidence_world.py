"""Write what the synthetic world is held against: docs/calibration.md (`make calibration`) and docs/scenarios.md (`make scenarios`)."""

from __future__ import annotations

import os
import platform
import statistics
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import impact
from impact.simulate.calibration import measures
from impact.simulate.scenarios import OTHERWISE, Played, play_all, scenario_files, summary
from impact.simulate.world import load_world

ROOT = Path(__file__).parents[1]
SCALE, SEEDS = 0.1, 20


def main() -> None:
    """Write the page that is asked for; stop with 1 where something is not as it should be."""
    write = {"calibration": calibration, "scenarios": scenarios}[sys.argv[1]]
    text, good = write()
    (ROOT / "docs" / f"{sys.argv[1]}.md").write_text(text, encoding="utf-8")
    print(text)
    sys.exit(0 if good else 1)


def calibration() -> tuple[str, bool]:
    """Measure the default world."""
    found = measures(load_world(ROOT / "worlds" / "default.yaml", scale=SCALE))
    lines = [
        "# Calibration of the synthetic world",
        "",
        f"Written by `make calibration` on {_stamp()}: `worlds/default.yaml` at scale {SCALE:g}, seed 1, as it would be without agreements. The targets are numbers in print or assumed "
        "(`worlds/default.yaml` says which); that the world has them makes it evidence of nothing.",
        "",
        "| quantity | target | measured | may differ by | holds | where the target comes from |",
        "| --- | --: | --: | --: | --- | --- |",
        *(
            f"| {one.name} | {_number(one.target)} | {_number(one.measured)} | {_number(one.tolerance)} | {'yes' if one.holds else 'NO'} | {one.source} |"
            for one in found
        ),
    ]
    return "\n".join(lines) + "\n", all(one.holds for one in found)


def scenarios() -> tuple[str, bool]:
    """Play the whole pack with many seeds."""
    begun = time.monotonic()
    files = scenario_files(ROOT / "worlds" / "scenarios")
    played = list(play_all(files, range(1, SEEDS + 1), os.cpu_count() or 1))
    table = summary(played)
    titles = {world.scenario.id: world.title.en for world in map(load_world, files) if world.scenario}
    lines = [
        "# The scenario pack",
        "",
        f"Written by `make scenarios` on {_stamp()}: {SEEDS} seeds each, {time.monotonic() - begun:.0f} s. SYNTHETIC data. Truth, estimate and interval are means over seeds, in the unit of the "
        "study's outcome (percentage points of leaving in a month, or yuan); `covers` counts the 95 % intervals that contain the truth of their own world; an error is the mean of estimate less truth, with "
        "the standard error of that mean over seeds. `as expected` speaks of the verdict and of the rules that must apply, not of the estimate: in S6 the estimate has the wrong sign, and the verdict must say why it is not to be trusted. `not yet` names the parts of the house that are missing: "
        "until they exist, a verdict there is no pass. Where one platform of twelve is covered (S0 to S5, S7, S11), no p-value can be below 1/12, and no 95 % interval has an end: that it covers says nothing.",
        "",
        "| id | what is true | truth | estimate | interval | covers | error of the estimate | error of two-way fixed effects | claim | verdicts | status |",
        "| --- | --- | --: | --: | --- | --: | --: | --: | --- | --- | --- |",
        *(_scenario_row(row, titles, [one for one in played if one.scenario == row["scenario"]]) for row in table.to_dict("records")),
    ]
    return "\n".join(lines) + "\n", not _otherwise(played)


def _scenario_row(row: dict[str, object], titles: dict[str, str], played: list[Played]) -> str:
    number = {name: "" if row[name] != row[name] else f"{row[name]:.3f}" for name in ("truth", "estimate", "conf_low", "conf_high")}
    interval = f"{number['conf_low']} to {number['conf_high']}" if number["conf_low"] else ""
    claim = "" if row["claim_before"] != row["claim_before"] else f"{row['claim_before']:.1%} → {row['claim_after']:.1%}"
    status = f"{row['status']}: {row['why']}" if row["status"] != "as expected" else "as expected"
    cells = [
        row["scenario"],
        titles[str(row["scenario"])],
        number["truth"],
        number["estimate"],
        interval,
        row["covers"],
        _error([one.estimate - one.truth for one in played]),
        _error([one.two_way - one.truth for one in played]),
        claim,
    ]
    return "| " + " | ".join(str(cell) for cell in (*cells, row["verdicts"], status)) + " |"


def _error(differences: list[float]) -> str:
    """Give the mean error over seeds, and in brackets the standard error of that mean."""
    known = [one for one in differences if one == one]
    return f"{statistics.mean(known):+.3f} ({statistics.stdev(known) / len(known) ** 0.5:.3f})" if len(known) > 1 else ""


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3f}"


def _otherwise(played: list[Played]) -> bool:
    return any(one.status == OTHERWISE for one in played)


def _stamp() -> str:
    return f"{datetime.now(UTC):%Y-%m-%d}, impact {impact.__version__}, Python {platform.python_version()}"


if __name__ == "__main__":
    main()
