"""Leads: do covered and compared already part before coverage?

A joint Wald test that every group-time effect before coverage is zero, as in R `did`, with the covariance of the estimate. Passing is weak
evidence: the test may lack power (Roth 2022, doi:10.1257/aeri.20210236), so the smallest joint shift it would have found is printed with it.
"""

from __future__ import annotations

import numpy as np

from impact.results import CheckResult, Estimate, Info

INFO = Info("leads", "Effects before coverage", "覆盖之前的效应", "Callaway and Sant'Anna (2021); Roth (2022)")
LIMIT = 0.10
"""Joint p-value below which the leads speak against parallel trends (verdict rule 5)."""
POWER = 0.80


def run(estimate: Estimate) -> CheckResult:
    """Test that the group-time effects before coverage are zero together.

    `passed` is None where there is no lead to test.
    """
    leads = [
        place
        for place, term in enumerate(estimate.terms)
        if term.cohort is not None and term.month is not None and term.month < term.cohort
    ]
    covariance = estimate.errors.covariance
    leads = [place for place in leads if covariance[place, place] > 0]
    if not leads:
        return CheckResult(
            "leads", None, "There is no month before coverage in which the groups could be compared.", "覆盖之前没有可供比较的月份。"
        )
    values, among = estimate.values[leads], covariance[np.ix_(leads, leads)]
    return _result(estimate, leads, *_wald(values, among), _detectable(among))


def _wald(values: np.ndarray, covariance: np.ndarray) -> tuple[float, int, float]:
    """Give the statistic, its degrees of freedom and the p-value; fewer clusters than leads leave fewer degrees of freedom."""
    from scipy import stats

    rank = int(np.linalg.matrix_rank(covariance, hermitian=True))
    statistic = float(values @ np.linalg.pinv(covariance, hermitian=True) @ values)
    return statistic, rank, float(stats.chi2.sf(statistic, rank))


def _detectable(covariance: np.ndarray) -> float:
    """Give the common shift of all leads that the test finds with the stated power at the 5 % level."""
    from scipy import optimize, stats

    ones, rank = np.ones(len(covariance)), int(np.linalg.matrix_rank(covariance, hermitian=True))
    precision = float(ones @ np.linalg.pinv(covariance, hermitian=True) @ ones)
    if precision <= 0:
        return float("nan")
    critical = stats.chi2.ppf(0.95, rank)
    needed = optimize.brentq(lambda lift: float(stats.ncx2.sf(critical, rank, lift)) - POWER, 1e-6, 1e4)
    return float(np.sqrt(needed / precision))


def _result(estimate: Estimate, leads: list[int], statistic: float, freedom: int, p_value: float, detectable: float) -> CheckResult:
    passed = p_value >= LIMIT
    p = "p < 0.001" if p_value < 0.001 else f"p = {p_value:.3f}"
    en = (
        f"{len(leads)} effects before coverage are {'compatible with zero' if passed else 'not compatible with zero'} together "
        f"(Wald χ² = {statistic:.2f} on {freedom} degrees of freedom, {p}). A common shift of {detectable:.3f} or more before coverage "
        f"would have been found with {POWER:.0%} power; smaller departures from parallel trends would have been missed."
    )
    zh = (
        f"覆盖之前的{len(leads)}个效应合起来{'与零相容' if passed else '与零不相容'}（Wald χ² = {statistic:.2f}，自由度{freedom}，{p}）。"
        f"若覆盖之前存在{detectable:.3f}或更大的共同偏移，该检验有{POWER:.0%}的把握发现；更小的偏离则可能漏过。"
    )
    numbers = {
        "statistic": statistic,
        "degrees_of_freedom": float(freedom),
        "p_value": p_value,
        "detectable": detectable,
        "leads": float(len(leads)),
    }
    return CheckResult("leads", passed, en, zh, estimate.tidy().iloc[leads], numbers)
