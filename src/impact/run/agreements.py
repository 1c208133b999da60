"""The agreements on record, as a study's delivery holds them: for the timeline and the section of the report. May touch: the delivery's registry, the run's folder."""

from __future__ import annotations

from pathlib import Path

from impact.clean.registry.values import registry_values
from impact.errors import StudyError
from impact.report.figures.timeline import timeline
from impact.run.folder import Markdown, Picture, RunFolder
from impact.sources.registry import load_registry
from impact.study import Study, locate_delivery
from impact.study.delivery import DeliverySource


def agreements_on_record(study: Study, run: RunFolder, data_root: Path) -> Picture | Markdown:
    """Hand the registry on to the report, and give its timeline; a study without a registry says so.

    Raises StudyError or SourceError where the registry cannot be read.
    """
    if not isinstance(study.source, DeliverySource) or study.source.delivery.registry is None:
        return Markdown("This study reads no registry of agreements: who is covered stands in its data.")
    try:
        folder = locate_delivery(study, data_root) / study.source.delivery.registry
    except StudyError:
        if run.has("bundle"):
            return Markdown("The registry of agreements is not here: a bundle of moments does not bring it.")
        raise
    registry = registry_values(load_registry(folder))
    run.write_json("registry", registry)
    return run.draw("timeline", lambda language: timeline(registry, language), study.synthetic)
