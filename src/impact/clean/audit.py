"""What cleaning did, rule by rule, and which rows each rule met. May touch: nothing."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

from impact.text import Text

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pyarrow as pa

Action = Literal["read", "changed", "dropped", "flagged", "kept"]
"""`read`: how a value was understood; `changed`: a value was mended by a declared rule; `dropped`: rows were taken out; `flagged`: rows are marked, and stay as
they are; `kept`: something was noticed and left alone."""
Level = Literal["stop", "warning", "note"]


@dataclass(frozen=True, slots=True)
class Rule:
    """One named rule and how many rows it met."""

    name: Text
    action: Action
    rows: int
    why: Text
    id: str = ""
    """Name of the rule in tables, such as `duplicate_day`."""
    examples: tuple[str, ...] = ()
    """Where the first rows stand, as `file, row 12`; never a value of a person."""

    def as_dict(self) -> dict[str, Any]:
        """Give the rule as plain values, for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> Rule:
        """Read back what `as_dict` gave."""
        texts = {key: Text(**content[key]) for key in ("name", "why")}
        return cls(**{**content, **texts, "examples": tuple(content.get("examples", ()))})


@dataclass(frozen=True, slots=True)
class Audit:
    """Rows in, what each rule did, rows kept: of one table."""

    source: str
    sha256: str
    rows_in: int
    rules: tuple[Rule, ...]
    rows_kept: int
    table: str = ""
    """Which table it is about, such as `worker_day`; empty where a study reads one only."""

    def as_dict(self) -> dict[str, Any]:
        """Give the audit as plain values, for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> Audit:
        """Read back what `as_dict` gave."""
        return cls(**{**content, "rules": tuple(Rule.from_dict(rule) for rule in content["rules"])})


@dataclass(frozen=True, slots=True)
class Finding:
    """Something about the data that a reader must know, or mend, before a number is believed."""

    rule: str
    level: Level
    """`stop`: no estimate is made; `warning`: look at it; `note`: good to know."""
    where: str
    """File, table or column."""
    rows: int
    text: Text
    """What was found."""
    advice: Text
    """What to do about it."""

    def as_dict(self) -> dict[str, Any]:
        """Give the finding as plain values, for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> Finding:
        """Read back what `as_dict` gave."""
        return cls(**{**content, "text": Text(**content["text"]), "advice": Text(**content["advice"])})


@dataclass(frozen=True, slots=True)
class Cleaned:
    """A clean table, what was done to it, which rows each rule met, and what was found on the way."""

    table: ir.Table
    audit: Audit
    touched: pa.Table
    """One row for each row that a rule changed, dropped or flagged: `rule, action, file, row, column`; `row` as users count, `column` as the file names it."""
    findings: tuple[Finding, ...] = ()
