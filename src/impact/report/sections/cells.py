"""Which units and months the main estimate uses, and what two-way fixed effects would make of them."""

from __future__ import annotations

from impact.report.document import Block, Figure, Paragraph, Section
from impact.report.format import percent
from impact.report.material import Material
from impact.text import Text

ORDER = 25
_CHECKS = ("two_way_weights", "bacon")


def section(material: Material) -> Section | None:
    """Draw the cells behind the overall mean, and print how two-way fixed effects weigh them."""
    if "cells" not in material.tables:
        return None
    blocks: list[Block] = [Paragraph(_LEAD), _figure(material)]
    checks = {check["name"]: check for check in material.values["checks"]}
    blocks += [Paragraph(Text(checks[name]["text_en"], checks[name]["text_zh"])) for name in _CHECKS if name in checks]
    return Section(Text("What the estimate is made of", "估计由哪些数据构成"), tuple(blocks))


_LEAD = Text(
    "The overall mean is a sum of cell means, each with its sign: blue cells add, orange cells are taken away, white ones do not count. "
    "Covered cells that count with the wrong sign would be seen as orange to the right of the line at which coverage begins.",
    "总体均值是各单元均值按正负号加权之和：蓝色为加，橙色为减，白色不计入。若受覆盖的单元以相反符号计入，会在覆盖起始线右侧显示为橙色。",
)


def _figure(material: Material) -> Figure:
    table = material.tables["cells"]
    covered = table[table["cohort"].notna() & (table["month"] >= table["cohort"])]
    wrong = float(-covered["weight"].clip(upper=0).sum())
    return Figure(
        "cells",
        Text("What each unit and month counts in the overall mean", "各单位、各月份在总体均值中的权重"),
        Text(
            f"Weights by unit and month. Covered cells that count with the wrong sign: {percent(wrong, 1)} of the whole.",
            f"按单位与月份排列的权重。以相反符号计入的受覆盖单元：占全部的{percent(wrong, 1)}。",
        ),
    )
