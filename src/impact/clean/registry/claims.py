"""Rules over claims: what is not stated about a published number cannot be compared. May touch: nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from impact.clean.audit import Finding
from impact.clean.registry.rule import RegistryRule
from impact.text import Text

if TYPE_CHECKING:
    from impact.sources.registry import Registry
    from impact.sources.registry_records import Claim

_FILE = "claims.yaml"
_RATES = ("percent", "share", "per cent")
_NEEDED = {
    "numerator": Text("numerator", "分子"),
    "denominator": Text("denominator", "分母"),
    "period": Text("period", "统计期"),
    "window": Text("window", "时间窗口"),
    "period or window": Text("period or window", "统计期或时间窗口"),
}
_UNKNOWN = RegistryRule(
    "claim_about_nothing",
    "warning",
    _FILE,
    Text("a claim about something that is not on record", "说法所指对象不在登记册中"),
    Text("Correct `about`: it names a programme, an agreement or a campaign.", "请更正 `about`：应为项目、协议或专项工作的编号。"),
)
_NO_NUMBER = RegistryRule(
    "claim_without_number",
    "note",
    _FILE,
    Text("a claim without a number", "说法没有数字"),
    Text("Ask for the number, or do not quote it.", "请索取数字，否则不要引用。"),
)
_INCOMPARABLE = RegistryRule(
    "claim_not_comparable",
    "warning",
    _FILE,
    Text(
        "a published number that cannot be compared, because what it counts is not stated",
        "已公布的数字因口径未说明而无法比较",
    ),
    Text(
        "Ask who is counted above and below the line, over which days, and how long somebody must be gone to count as having left.",
        "请问明分子、分母、统计期，以及多长时间未接单计为流失。",
    ),
)


def claim_findings(registry: Registry) -> Iterator[Finding]:
    """Apply the rules to claims."""
    claims = registry.claims.values()
    known = {*registry.programmes, *registry.agreements, *registry.campaigns}
    yield from _UNKNOWN.met([Text(f"{one.id} ({one.about})", f"{one.id}（{one.about}）") for one in claims if one.about not in known])
    yield from _NO_NUMBER.met([one.id for one in claims if one.before is None and one.after is None])
    yield from _INCOMPARABLE.met([_with_gaps(one, gaps) for one in claims if (gaps := missing_in(one))])


def missing_in(claim: Claim) -> tuple[str, ...]:
    """Name what is not stated about a claim's number: a rate needs numerator, denominator, period and window, a count what it counts and over which time.

    Empty for a claim without a number.
    """
    if claim.before is None and claim.after is None:
        return ()
    if claim.unit in _RATES:
        return tuple(name for name in ("numerator", "denominator", "period", "window") if getattr(claim, name) is None)
    timed = claim.period is not None or claim.window is not None
    return (*(() if claim.numerator else ("numerator",)), *(() if timed else ("period or window",)))


def _with_gaps(claim: Claim, gaps: tuple[str, ...]) -> Text:
    names = [_NEEDED[gap] for gap in gaps]
    return Text(f"{claim.id} ({', '.join(one.en for one in names)})", f"{claim.id}（{'、'.join(one.zh for one in names)}）")
