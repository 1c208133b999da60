"""What cleaning did, rule by rule. May touch: nothing."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from impact.text import Text


@dataclass(frozen=True, slots=True)
class Rule:
    """One named rule and how many rows it met."""

    name: Text
    action: Literal["read", "dropped", "kept"]
    """`read`: how a value was understood; `dropped`: rows taken out; `kept`: rows noticed and left in."""
    rows: int
    why: Text

    def as_dict(self) -> dict[str, Any]:
        """Give the rule as plain values, for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> Rule:
        """Read back what `as_dict` gave."""
        return cls(**{**content, "name": Text(**content["name"]), "why": Text(**content["why"])})


@dataclass(frozen=True, slots=True)
class Audit:
    """Rows in, what each rule did, rows kept."""

    source: str
    sha256: str
    rows_in: int
    rules: tuple[Rule, ...]
    rows_kept: int

    def as_dict(self) -> dict[str, Any]:
        """Give the audit as plain values, for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> Audit:
        """Read back what `as_dict` gave."""
        return cls(**{**content, "rules": tuple(Rule.from_dict(rule) for rule in content["rules"])})
