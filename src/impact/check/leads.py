"""Leads: do covered and compared already part before coverage?

The effects before coverage are averaged by event time, and the largest |t| among them is held against its distribution where all are zero (sup-t,
with the covariance of the estimate). Cohorts of fewer than ten covered clusters are left out: a handful of clusters barely moves its own sums of
influence, its errors come out too small, and the test would reject far too often. Months in which the study expects anticipation are no leads. The Wald test over group-time effects that R `did` prints stands beside it and does not decide. Passing is weak evidence (Roth 2022,
doi:10.1257/aeri.20210236), so the smallest common shift that the test finds is printed with it.
"""

from __future__ import annotations

import numpy as np

from impact.infer.aggregate import aggregate
from impact.infer.bands import chosen, joint_draws
from impact.infer.cluster import cluster_counts
from impact.moments.moments import Floats
from impact.results import CheckResult, Estimate, Info

INFO = Info("leads", "Effects before coverage", "覆盖之前的效应", "Callaway and Sant'Anna (2021); Roth (2022)")
LIMIT = 0.10
"""Joint p-value below which the leads speak against parallel trends (verdict rule 5)."""
SIZE = 0.05
"""Level of the test whose power is stated."""
POWER = 0.80
FEWEST_CLUSTERS = 10
"""Covered clusters below which a cohort is not tested."""


def run(estimate: Estimate) -> CheckResult:
    """Test that the effects before coverage are zero together.

    `passed` is None where nothing can be tested. `numbers` holds `leads` (event times tested), `left_out` (cohorts not tested), `largest_t`, its joint `p_value`,
    `detectable` (the common shift found with 80 % power), and the Wald test over group-time effects: `wald`, `wald_degrees_of_freedom`,
    `wald_p_value`.
    """
    cohorts = {int(term.cohort) for term in estimate.terms if term.cohort is not None}
    tested = {cohort for cohort in cohorts if cluster_counts(estimate.design, estimate.design.cohort == cohort)[0] >= FEWEST_CLUSTERS}
    large = [place for place, term in enumerate(estimate.terms) if term.cohort in tested]
    if not any((estimate.terms[place].event_time or 0) >= 0 for place in large):
        return _untested(len(cohorts) - len(tested))
    by_time = aggregate(chosen(estimate, large), "event_time")
    leads = [place for place in range(len(by_time.terms)) if _is_lead(by_time, place)]
    if not leads:
        return _untested(len(cohorts) - len(tested))
    among = chosen(by_time, leads)
    draws = joint_draws(among)
    largest = float(np.abs(among.values / among.errors.std_error).max())
    numbers = {
        "leads": float(len(leads)),
        "left_out": float(len(cohorts) - len(tested)),
        "largest_t": largest,
        "p_value": float((np.abs(draws).max(axis=1) >= largest).mean()),
        "detectable": _detectable(draws, among.errors.std_error),
        **_wald(estimate),
    }
    return _result(among, numbers)


def _is_lead(estimate: Estimate, place: int) -> bool:
    """Say whether a term lies before coverage and before any anticipation, and has an error."""
    event_time = estimate.terms[place].event_time
    return event_time is not None and event_time < -estimate.options.anticipation and bool(np.isfinite(estimate.errors.std_error[place]))


def _untested(small: int) -> CheckResult:
    if small == 0:
        en, zh = "There is no month before coverage in which the groups could be compared.", "覆盖之前没有可供比较的月份。"
    else:
        en = f"Whether covered and compared part before coverage cannot be tested: every cohort has fewer than {FEWEST_CLUSTERS} covered clusters."
        zh = f"无法检验覆盖之前两者是否已有分化：每个组群的受覆盖聚类均不足{FEWEST_CLUSTERS}个。"
    return CheckResult("leads", None, en, zh)


def _wald(estimate: Estimate) -> dict[str, float]:
    """Test the group-time effects before coverage together by their quadratic form, as R `did` does."""
    from scipy import stats

    error = estimate.errors.std_error
    before = [place for place, term in enumerate(estimate.terms) if (term.event_time or 0) < 0 and np.isfinite(error[place])]
    values, covariance = estimate.values[before], estimate.errors.covariance[np.ix_(before, before)]
    rank = int(np.linalg.matrix_rank(covariance, hermitian=True))
    statistic = float(values @ np.linalg.pinv(covariance, hermitian=True) @ values)
    return {"wald": statistic, "wald_degrees_of_freedom": float(rank), "wald_p_value": float(stats.chi2.sf(statistic, rank))}


def _detectable(draws: Floats, error: Floats) -> float:
    """Find the common shift of all leads that the test at the 5 % level finds with 80 % power."""
    from scipy import optimize

    critical = np.quantile(np.abs(draws).max(axis=1), 1 - SIZE)

    def shortfall(shift: float) -> float:
        return float((np.abs(draws + shift / error).max(axis=1) > critical).mean()) - POWER

    return float(optimize.brentq(shortfall, 0.0, 20 * float(error.max()), xtol=1e-3 * float(error.min())))


def _result(among: Estimate, numbers: dict[str, float]) -> CheckResult:
    passed = numbers["p_value"] >= LIMIT
    p = "p < 0.001" if numbers["p_value"] < 0.001 else f"p = {numbers['p_value']:.3f}"
    count, left_out = int(numbers["leads"]), int(numbers["left_out"])
    largest, shift = f"{numbers['largest_t']:.2f}", _significant(numbers["detectable"])
    too_few = left_out > 0
    en = (
        f"The effects at the {count} time{'s' if count > 1 else ''} before coverage are {'' if passed else 'not '}compatible with zero together "
        f"(largest |t| = {largest}, joint {p}). A common shift of {shift} or more would have been found with {POWER:.0%} power; smaller departures from "
        f"parallel trends would have been missed."
        + (f" {left_out} cohort{'s' if left_out > 1 else ''} of fewer than {FEWEST_CLUSTERS} covered clusters left out." if too_few else "")
    )
    zh = (
        f"覆盖之前{count}个时点的效应合起来{'与零相容' if passed else '与零不相容'}（最大|t| = {largest}，联合{p}）。"
        f"若存在{shift}或更大的共同偏移，该检验有{POWER:.0%}的把握发现；更小的偏离则可能漏过。"
        + (f"另有{left_out}个组群因受覆盖聚类不足{FEWEST_CLUSTERS}个而未检验。" if too_few else "")
    )
    return CheckResult("leads", passed, en, zh, among.tidy(), numbers)


def _significant(value: float) -> str:
    """Write a number with two significant digits, without an exponent."""
    digits = max(0, 1 - int(np.floor(np.log10(abs(value))))) if value else 0
    return f"{value:,.{digits}f}"
