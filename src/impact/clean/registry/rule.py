"""A rule over the records of a registry, and the finding that it makes. May touch: nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from impact.clean.audit import Finding, Level
from impact.errors import listing
from impact.text import Text

_MOST = 6


@dataclass(frozen=True, slots=True)
class RegistryRule:
    """What a rule looks for, and what to do where it finds it."""

    id: str
    level: Level
    where: str
    """File of the registry."""
    text: Text
    """What is wrong; the records that the rule met are added."""
    advice: Text

    def met(self, records: Sequence[str | Text]) -> tuple[Finding, ...]:
        """Make one finding of all records that the rule met, each named with what was found in it; none where there are none."""
        if not records:
            return ()
        named = [Text(one, one) if isinstance(one, str) else one for one in records]
        text = Text(
            f"{self.text.en}: {listing([one.en for one in named], _MOST)}", f"{self.text.zh}：{_listing_zh([one.zh for one in named])}"
        )
        return (Finding(self.id, self.level, self.where, len(records), text, self.advice),)


def _listing_zh(records: Sequence[str]) -> str:
    shown = "、".join(records[:_MOST])
    return shown if len(records) <= _MOST else f"{shown}……（共{len(records)}条）"
