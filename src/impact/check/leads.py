"""Leads: do covered and compared already part before coverage?

The largest |t| among the group-time effects before coverage is held against its distribution where all of them are zero (sup-t, with the covariance
of the estimate). The Wald test that R `did` prints stands beside it and does not decide: with leads nearly as many as clusters it rejects far
too often. Passing is weak evidence (Roth 2022, doi:10.1257/aeri.20210236), so the smallest common shift that the test finds is printed with it.
"""

from __future__ import annotations

import numpy as np

from impact.infer.bands import chosen, joint_draws
from impact.moments.moments import Floats
from impact.results import CheckResult, Estimate, Info

INFO = Info("leads", "Effects before coverage", "覆盖之前的效应", "Callaway and Sant'Anna (2021); Roth (2022)")
LIMIT = 0.10
"""Joint p-value below which the leads speak against parallel trends (verdict rule 5)."""
SIZE = 0.05
"""Level of the test whose power is stated."""
POWER = 0.80


def run(estimate: Estimate) -> CheckResult:
    """Test that the group-time effects before coverage are zero together.

    `passed` is None where there is no lead to test. `numbers` holds `largest_t`, its joint `p_value`, `detectable` (the common shift found with
    80 % power), `leads`, and the Wald test: `wald`, `wald_degrees_of_freedom`, `wald_p_value`.
    """
    leads = [place for place, term in enumerate(estimate.terms) if _is_lead(estimate, place) and term.cohort is not None]
    if not leads:
        return CheckResult(
            "leads", None, "There is no month before coverage in which the groups could be compared.", "覆盖之前没有可供比较的月份。"
        )
    among = chosen(estimate, leads)
    draws = joint_draws(among)
    largest = float(np.abs(among.values / among.errors.std_error).max())
    numbers = {
        "leads": float(len(leads)),
        "largest_t": largest,
        "p_value": float((np.abs(draws).max(axis=1) >= largest).mean()),
        "detectable": _detectable(draws, among.errors.std_error),
        **_wald(among.values, among.errors.covariance),
    }
    return _result(among, numbers)


def _is_lead(estimate: Estimate, place: int) -> bool:
    """Say whether a term lies before coverage and has an error."""
    term = estimate.terms[place]
    before = term.cohort is not None and term.month is not None and term.month < term.cohort
    return bool(before and np.isfinite(estimate.errors.std_error[place]))


def _wald(values: Floats, covariance: Floats) -> dict[str, float]:
    """Test all leads together by their quadratic form; fewer clusters than leads leave fewer degrees of freedom."""
    from scipy import stats

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
    count, largest, shift = int(numbers["leads"]), f"{numbers['largest_t']:.2f}", _significant(numbers["detectable"])
    en = (
        f"{count} effects before coverage are {'compatible with zero' if passed else 'not compatible with zero'} together (largest |t| = {largest}, joint {p}). "
        f"A common shift of {shift} or more before coverage would have been found with {POWER:.0%} power; smaller departures from parallel trends would have been missed."
    )
    zh = (
        f"覆盖之前的{count}个效应合起来{'与零相容' if passed else '与零不相容'}（最大|t| = {largest}，联合{p}）。"
        f"若覆盖之前存在{shift}或更大的共同偏移，该检验有{POWER:.0%}的把握发现；更小的偏离则可能漏过。"
    )
    return CheckResult("leads", passed, en, zh, among.tidy(), numbers)


def _significant(value: float) -> str:
    """Write a number with two significant digits, without an exponent."""
    digits = max(0, 1 - int(np.floor(np.log10(abs(value))))) if value else 0
    return f"{value:,.{digits}f}"
