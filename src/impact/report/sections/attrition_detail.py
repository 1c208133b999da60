"""Who leaves, in detail: what the rates are made of, entry cohorts, survival and tenure. May touch: nothing."""

from __future__ import annotations

from impact.report.document import Block, Section
from impact.report.material import Material
from impact.report.sections.attrition import tenure_blocks
from impact.report.sections.attrition_definitions import change_table, cohorts_table, counts_table
from impact.text import Text

ORDER = 26


def section(material: Material) -> Section | None:
    """Print the counts behind the rates, entry cohorts, a change split in two, survival and hazards, where a delivery was read."""
    if "definitions" not in material.tables:
        return None
    change = change_table(material)
    blocks: list[Block] = [counts_table(material), *([change] if change else []), cohorts_table(material), *tenure_blocks(material)]
    return Section(Text("Who leaves, in detail", "谁在离开：细节"), tuple(blocks))
