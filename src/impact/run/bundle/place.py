"""A run that begins with a bundle: what the stages of data and design would have read from worker-months comes from it. May touch: the bundle's file, the run's folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from impact.errors import SourceError, listing, nearest
from impact.run.bundle.file import Bundle, read_bundle
from impact.run.bundle.record import asks_of
from impact.run.bundle.statement import noise_rows
from impact.run.folder import Markdown, RunFolder
from impact.run.needed import MAIN, Need, hand_on_moments, moments_needed
from impact.study import Study
from impact.text import Text

NAME = "bundle"
"""Under which the record of the bundle is handed on; a run that has it reads no worker-months."""
_LATER = Text("the study asked for it after the bundle was made", "数据包生成之后研究才提出该项")


def bundle_for(study: Study, path: Path) -> Bundle:
    """Read a bundle and see that it answers the study.

    Raises SourceError where it was changed, where it is of another study, of one that asked for something else, or lacks what the main estimate needs.
    """
    bundle = read_bundle(path)
    said, asked = bundle.provenance["asks"], asks_of(study)
    if bundle.provenance["study"] != study.name:
        raise SourceError(
            f"{path.name}: the bundle is of another study.\nFound `{bundle.provenance['study']}`, wanted `{study.name}`. {nearest(study.name, [bundle.provenance['study']])}\n"
            "Name the study that it was made for, or ask the data holder for a bundle of this one."
        )
    differing = sorted(name for name in set(said) | set(asked) if said.get(name) != asked.get(name))
    if differing:
        raise SourceError(
            f"{path.name}: the study asked for other data when the bundle was made.\nFound differences in {listing(differing)}.\n"
            "Put the study back as it was, or let the data holder compress again."
        )
    if MAIN not in _purposes(study, bundle):
        raise SourceError(
            f"{path.name}: the bundle has no moments for the main estimate of study {study.name}.\n"
            f"Found moments for {listing([entry['purpose'] for entry in bundle.provenance['moments']]) or 'nothing'}.\nLet the data holder compress again with the study as it is."
        )
    return bundle


def source_of(bundle: Bundle) -> dict[str, Any]:
    """Describe a bundle for the manifest, as the source of a run."""
    provenance = bundle.provenance
    return {
        "name": "bundle of moments",
        "sha256": bundle.sha256,
        "rows": bundle.record["rows"],
        "citation": provenance["source"]["citation"],
        "made_from": provenance["source"]["sha256"],
        "made_with": provenance["made_with"],
        "created": provenance["created"],
    }


def place_bundle(bundle: Bundle, study: Study, run: RunFolder) -> None:
    """Write what later stages read where the stages of data and design would have written it."""
    record, purposes = bundle.record, _purposes(study, bundle)
    hand_on_moments(run, {purpose: bundle.moments[name] for purpose, name in purposes.items()})
    for name in ("audit", "received", "period"):
        run.write_json(name, record[name])
    lacking = [name for name in moments_needed(study) if name not in purposes]
    reasons = {one["purpose"]: Text(one["en"], one["zh"]) for one in record["left_out"]}
    left_out = [{"title": _title(study, name), **reasons.get(name, _LATER).as_dict()} for name in lacking]
    kept = {name: record[name] for name in ("coverage_rules", "sentences", "withheld", "noise", "rows")}
    run.write_json(
        NAME, {**kept, **source_of(bundle), "rules": bundle.provenance["rules"], "left_out": left_out, "needs_rows": _needs_rows(study)}
    )


def stated(run: RunFolder) -> Markdown:
    """Show where a bundle comes from, and what its rules did."""
    held = run.read_json(NAME)
    facts = [
        f"SHA-256 `{held['sha256']}`",
        f"made {held['created']} with {held['made_with']}",
        f"from a source with SHA-256 `{held['made_from']}`",
    ]
    return Markdown("\n".join(f"- {line}" for line in (*facts, *(sentence["en"] for sentence in held["sentences"]))))


def noise_from(run: RunFolder) -> Markdown:
    """Show how far the estimates lie from those of all cells, in standard errors, as the data holder measured it."""
    rows = noise_rows(run.read_json(NAME)["noise"], "en")
    heads = ("estimate of", "from the bundle", "standard error", "difference in standard errors")
    lines = [f"| {' | '.join(row)} |" for row in (heads, ("---",) * len(heads), *rows)]
    return Markdown("\n".join(lines))


def _purposes(study: Study, bundle: Bundle) -> dict[str, str]:
    """Find for each purpose of the study moments of the bundle that serve it."""
    entries = [(Need.from_dict(entry["need"]), entry["moments"]) for entry in bundle.provenance["moments"]]
    found: dict[str, str] = {}
    for purpose, need in moments_needed(study).items():
        name = next((name for other, name in entries if name in bundle.moments and need.is_met_by(other)), None)
        found |= {purpose: name} if name else {}
    return found


def _title(study: Study, purpose: str) -> dict[str, str]:
    kind, _, name = purpose.partition(".")
    titled = study.variants if kind == "variant" else study.benchmarks
    title = next(one.title for one in titled if one.name == name)
    return {"en": title.en, "zh": title.zh}


def _needs_rows(study: Study) -> list[str]:
    return [name for name in ("attrition", "survey") if getattr(study, name) is not None]
