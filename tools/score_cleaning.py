"""Hold what cleaning found against what a synthetic world planted: `python tools/score_cleaning.py data/worlds/default > docs/cleaning-scores.md`.

Rows are counted once for each rule; whole files count as one. A survey file is a pair of exports, by text and by option number.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import yaml

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from impact.clean.survey.options import SurveyOptions  # noqa: E402
from impact.clean.survey.survey import clean_survey  # noqa: E402
from impact.run.delivery import CleanDelivery, clean_delivery, open_delivery  # noqa: E402
from impact.schema.questionnaire import CODEBOOK  # noqa: E402
from impact.sources.engine import connect  # noqa: E402
from impact.sources.key import SYNTHETIC_KEY  # noqa: E402
from impact.sources.wenjuanxing.wenjuanxing import read_wenjuanxing  # noqa: E402
from impact.study.delivery import Delivery  # noqa: E402
from scoring import score  # noqa: E402

DELIVERY = ROOT / "studies" / "deliveries" / "default-world.yaml"
TABLE_OF: dict[str, str] = {
    "test_account": "account",
    "shared_device": "account",
    "purged_account": "account",
    "duplicate_day": "worker_day",
    "amended_day": "worker_day",
    "utc_days": "worker_day",
    "fen_for_yuan": "worker_month",
    "renamed_column": "worker_month",
    "declared_date": "worker_month",
    "test_account_activity": "worker_month",
    "negative_fare": "worker_month",
    "activity_after_closure": "worker_month",
}
"""Rule → table whose rows it looks at."""
WHOLE_FILES = ("utc_days", "fen_for_yuan", "renamed_column")
"""Rules that meet whole files."""
_RULE_OF = {"day_first_date": "declared_date"}
_SAYS = {"fen_for_yuan": "money in fen", "utc_days": "times in UTC", "day_first_date": "dates also as %d/%m/%Y"}


def main() -> None:
    """Clean a world and print the page."""
    world = Path(sys.argv[1] if len(sys.argv) > 1 else "data/worlds/default")
    ledger = ledger_of(world)
    clean = cleaned(world, ledger)
    scores = pd.concat([platform_scores(clean, ledger), *survey_scores(world, ledger)], ignore_index=True)
    named = f"python tools/score_cleaning.py {world.as_posix()} > docs/cleaning-scores.md"
    print(_page(scores, others(clean, ledger), named), end="")


def ledger_of(world: Path) -> pd.DataFrame:
    """Read the planted defects, called as the rules that should find them; the row of a whole file is 0."""
    ledger = pd.read_parquet(world / "truth" / "defects.parquet")
    return ledger.assign(defect=ledger["defect"].replace(_RULE_OF), row=ledger["row"].fillna(0).astype(int))


def delivery_of(ledger: pd.DataFrame) -> Delivery:
    """Describe a world's exports, declaring of whole files what the ledger says of them."""
    content: dict[str, Any] = yaml.safe_load(DELIVERY.read_text(encoding="utf-8"))
    said = {"reason": "the ledger of planted defects", "who": "this tool", "when": date(2026, 7, 6)}
    planted = {_RULE_OF.get(name, name): says for name, says in _SAYS.items()}
    files = ledger[ledger["defect"].isin(planted)][["defect", "file"]].drop_duplicates().itertuples(index=False)
    return Delivery(**content | {"declared": [{"files": str(one.file), "says": planted[str(one.defect)], **said} for one in files]})


def cleaned(world: Path, ledger: pd.DataFrame) -> CleanDelivery:
    """Clean every table of a world's platforms and employers."""
    return clean_delivery(open_delivery(connect(), world / "raw", delivery_of(ledger)))


def platform_scores(clean: CleanDelivery, ledger: pd.DataFrame) -> pd.DataFrame:
    """Score the rules on tables of platforms and employers, one line per planted defect, as `scoring.score` does."""
    return pd.concat([_line(rule, clean, ledger) for rule in TABLE_OF if (ledger["defect"] == rule).any()], ignore_index=True)


def others(clean: CleanDelivery, ledger: pd.DataFrame) -> pd.DataFrame:
    """List the rows that some rule met and that have no line in the ledger: `rule, action, file, row, column`; rows of testers are right."""
    met = touched(clean)
    met = met[~met["rule"].isin([*WHOLE_FILES, "test_account_row"])]
    planted = set(map(tuple, ledger[["file", "row"]].to_numpy().tolist()))
    return met[[place not in planted for place in map(tuple, met[["file", "row"]].to_numpy().tolist())]]


def touched(clean: CleanDelivery) -> pd.DataFrame:
    """Give every row that rules met; the row of a whole file is 0."""
    met: pd.DataFrame = pa.concat_tables([one.touched for one in clean.tables]).to_pandas()
    return met.assign(row=met["row"].fillna(0).astype(int))


def survey_scores(world: Path, ledger: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """Score the rules on the survey, wave by wave."""
    content = yaml.safe_load(DELIVERY.read_text(encoding="utf-8"))
    for number, wave in content["survey"].items():
        text, other = (world / "raw" / wave[name] for name in ("text", "number"))
        survey = read_wenjuanxing(connect(), text, other, CODEBOOK, world / "raw")
        met = clean_survey(survey, SurveyOptions(key=SYNTHETIC_KEY)).touched
        found = score(met, ledger[ledger["file"] == wave["text"]], len(survey.answers))
        yield found.assign(rule=f"wave {number}: " + found["rule"])


def _line(rule: str, clean: CleanDelivery, ledger: pd.DataFrame) -> pd.DataFrame:
    planted = ledger[ledger["defect"] == rule].assign(column="").drop_duplicates(["file", "row"])
    return score(pa.Table.from_pandas(touched(clean).assign(column=""), preserve_index=False), planted, _units(clean, rule))


def _units(clean: CleanDelivery, rule: str) -> int:
    """Count the rows that a rule looks at; of a rule on whole files, every row stands for itself all the same."""
    rows: Mapping[str, int] = {one.audit.table: one.audit.rows_in for one in clean.tables}
    return rows[TABLE_OF[rule]]


def _page(scores: pd.DataFrame, odd: pd.DataFrame, command: str) -> str:
    lines = [
        f"| {row.rule} | {row.planted:,} | {row.found:,} | {row.share_found:.2%} | {row.wrongly_touched:,} | {row.share_wrong:.4%} |"
        for row in scores.itertuples(index=False)
    ]
    return "\n".join(
        [
            "# What cleaning finds of what was planted",
            "",
            f"Written by `{command}`. SYNTHETIC: the world knows what is wrong with its own exports; how often real exports are wrong in these ways, nobody knows.",
            "",
            "*Found* are planted rows that the rule of the same name met (`declared_date` for the defect `day_first_date`); *wrong* are rows that it met and that carry no such",
            "defect, as a share of all others. Whole files (`fen_for_yuan`, `utc_days`, `renamed_column`) count as one each; what was wrong with them was declared in the",
            "delivery, as a person would after asking. `shared_device` misses idle accounts of which fewer than three share a device: two on one phone are a family.",
            "",
            "| rule | planted | found | share found | wrong | share wrong |",
            "| --- | ---: | ---: | ---: | ---: | ---: |",
            *lines,
            "",
            f"Rows of platforms and employers that any rule met and that carry no planted defect, rows of testers apart: {len(odd):,}.",
            "",
        ]
    )


if __name__ == "__main__":
    main()
