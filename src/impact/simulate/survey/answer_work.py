"""Answers to questions 21 to 42: noisy reports of what the platform knows, and what it does not know. May touch: nothing."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from impact.simulate.survey.answer_person import Column, month_count, month_text, only_where, picked_by_industry, start_month
from impact.simulate.survey.sitting import Floats, Sitting, fresh, is_member, lasting, normal, picked
from impact.simulate.world_parts import Industry

_PERSON_SD, _ITEM_SD = 0.10, 0.08
"""Reporting error of money in logs, of the person on this day and of each amount: about 13 % together [A]."""
_BLANK, _REFUSE_NET, _BRACKET = 0.02, 0.08, 0.75
"""Shares that leave an amount blank, leave net income blank, and then tick a bracket [A]."""
_BRACKETS = (3000, 4500, 6000, 7500, 9000, 12000, 15000)
_PAYERS: dict[str, dict[Industry, tuple[float, ...]]] = {
    "insur_pension": {
        "ride_hail": (0.30, 0.08, 0.54, 0.01, 0.07),
        "freight": (0.34, 0.08, 0.50, 0.01, 0.07),
        "courier": (0.28, 0.42, 0.22, 0.01, 0.07),
        "delivery": (0.44, 0.10, 0.37, 0.01, 0.08),
    },
    "insur_injury": {
        "ride_hail": (0.74, 0.08, 0.04, 0.04, 0.10),
        "freight": (0.70, 0.10, 0.06, 0.04, 0.10),
        "courier": (0.34, 0.52, 0.02, 0.02, 0.10),
        "delivery": (0.62, 0.12, 0.03, 0.11, 0.12),
    },
}
"""Shares of nobody, employer, self, platform, do not know [A]; cover not listed takes one of these two or `_EVERYBODY`."""
_EVERYBODY: dict[str, tuple[float, ...]] = {
    "insur_accident": (0.28, 0.14, 0.26, 0.26, 0.06),
    "housing_fund": (0.80, 0.10, 0.05, 0.00, 0.05),
    "occ_injury": (0.46, 0.06, 0.01, 0.27, 0.20),
}
_INJURED: dict[Industry, tuple[float, ...]] = {
    "ride_hail": (0.93, 0.05, 0.015, 0.005),
    "freight": (0.82, 0.13, 0.04, 0.01),
    "courier": (0.83, 0.12, 0.04, 0.01),
    "delivery": (0.76, 0.16, 0.06, 0.02),
}
_DISPUTE_OTHERS = ("押金不退", "客户投诉", "装备费", "车辆合同", "站点换人")


def work_answers(who: Sitting) -> dict[str, Column]:
    """Answer on work, income, cover, injuries, disputes and the union."""
    return _time(who) | _income(who) | _costs(who) | _net(who) | _cover(who) | _troubles(who) | _union(who)


def _time(who: Sitting) -> dict[str, Column]:
    workers = who.workers
    days = workers["active_days"].to_numpy(dtype=float)
    said = np.clip(days + picked(fresh(who, "days"), (-1, 0, 1, 2), (0.15, 0.6, 0.15, 0.1)), 1, 30)
    online, engaged = (workers[name].to_numpy(dtype=float) / np.maximum(days, 1) for name in ("online_hours", "engaged_hours"))
    share = np.clip(engaged / np.maximum(online, 0.1), 0.05, 1.0)
    hours = np.clip(np.round(online * np.exp(0.10 * normal(fresh(who, "hours"))) * 2) / 2, 0.5, 18)
    orders = workers["orders"].to_numpy(dtype=float) / np.maximum(days, 1) * np.exp(0.12 * normal(fresh(who, "orders")))
    return {
        "days_30": said,
        "hrs_online_day": hours,
        "hrs_order_day": np.clip(np.round(hours * share * 2) / 2, 0.5, hours),
        "orders_day": np.maximum(1.0, np.where(orders > 20, np.round(orders / 5) * 5, np.round(orders))),
    }


def _income(who: Sitting) -> dict[str, Column]:
    workers = who.workers
    gross, take = workers["gross_yuan"].to_numpy(dtype=float), workers["commission_yuan"].to_numpy(dtype=float)
    percent = 100 * take / np.maximum(gross, 1) * np.exp(0.15 * normal(fresh(who, "take")))
    seen = np.where(percent < 0.5, 0.0, np.clip(np.round(percent + 3 * lasting(who, "suspicion")), 1, 60))
    return {
        "inc_gross_30": _blanked(who, "inc_gross_30", _reported(who, "gross_yuan")),
        "inc_platform_30": _blanked(who, "inc_platform_30", _reported(who, "receipts_yuan")),
        "take_pct_self": _blanked(who, "take_pct_self", seen),
    }


def _costs(who: Sitting) -> dict[str, Column]:
    cost = _reported(who, "cost_yuan")
    rents = lasting(who, "rents") < 0.4
    rent, energy = np.where(rents, 0.45, 0.0), np.where(rents, 0.40, 0.70)
    fined = fresh(who, "fined") < 0.3
    amounts = {
        "cost_energy": _tens(cost * energy),
        "cost_rent": _tens(cost * rent),
        "cost_insur": _tens(cost * (1 - rent - energy)),
        "cost_fine": np.where(fined, picked(fresh(who, "fine"), (20, 50, 100, 200, 300), (0.2, 0.3, 0.25, 0.2, 0.05)), 0.0),
    }
    return {name: _blanked(who, name, amount) for name, amount in amounts.items()}


def _net(who: Sitting) -> dict[str, Column]:
    net = _reported(who, "net_yuan")
    refuses = fresh(who, "refuse net") < _REFUSE_NET
    bracket = 1.0 + np.searchsorted(np.array(_BRACKETS), net, side="right")
    ticked = np.where(fresh(who, "bracket") < _BRACKET, bracket, 98.0)
    elsewhere = who.workers["multi_home"].to_numpy(dtype=bool) | (fresh(who, "side job") < 0.08)
    other = np.round(net * (0.1 + 0.5 * fresh(who, "other income")) / 100) * 100
    return {
        "inc_net_30": np.where(refuses, np.nan, net),
        "inc_net_bracket": np.where(refuses, ticked, np.nan),
        "inc_other_30": _blanked(who, "inc_other_30", np.where(elsewhere, other, 0.0)),
        "inc_vs_year_ago": picked(fresh(who, "year ago"), (1, 2, 3, 4, 5), (0.24, 0.32, 0.28, 0.13, 0.03)),
    }


def _reported(who: Sitting, column: str) -> Floats:
    """Report an amount with error, heaped on 500s, 100s or 10s."""
    error = _PERSON_SD * normal(fresh(who, "reporting")) + _ITEM_SD * normal(fresh(who, f"report {column}"))
    said = np.maximum(0.0, who.workers[column].to_numpy(dtype=float)) * np.exp(error)
    step = picked(fresh(who, f"heap {column}"), (500, 100, 10), (0.35, 0.5, 0.15))
    step = np.where(said < 1000, np.minimum(step, 50), step)
    return np.asarray(np.round(said / step) * step, dtype=np.float64)


def _tens(amount: Floats) -> Floats:
    return np.asarray(np.maximum(0.0, np.round(amount / 10) * 10), dtype=np.float64)


def _blanked(who: Sitting, name: str, values: Floats) -> Floats:
    return np.where(fresh(who, f"blank {name}") < _BLANK, np.nan, values)


def _cover(who: Sitting) -> dict[str, Column]:
    codes = (0, 1, 2, 3, 9)
    by_industry = {name: picked_by_industry(who, lasting(who, name), codes, shares) for name, shares in _PAYERS.items()}
    by_industry["insur_medical"] = picked_by_industry(who, lasting(who, "insur_medical"), codes, _PAYERS["insur_pension"])
    return {**by_industry, **{name: picked(lasting(who, name), codes, shares) for name, shares in _EVERYBODY.items()}}


def _troubles(who: Sitting) -> dict[str, Column]:
    injuries = picked_by_industry(who, fresh(who, "injuries"), (0, 1, 2, 3), _INJURED)
    lost = np.ceil(-8 * np.log(fresh(who, "days lost"))) * injuries
    dispute = (fresh(who, "dispute") < 0.14).astype(float)
    about = picked(fresh(who, "dispute type"), (1, 2, 3, 4, 5, 6), (0.27, 0.2, 0.3, 0.07, 0.06, 0.1))
    words = np.array(_DISPUTE_OTHERS, dtype=object)[np.floor(fresh(who, "dispute words") * len(_DISPUTE_OTHERS)).astype(int)]
    return {
        "injury_12m": injuries,
        "injury_days": np.minimum(lost, 180.0),
        "dispute_12m": dispute,
        "dispute_type": about,
        "dispute_type_other": only_where((dispute == 1) & (about == 6), words),
    }


def _union(who: Sitting) -> dict[str, Column]:
    return {"union_member": is_member(who).astype(float), "union_join_ym": month_text(_join_month(who))}


def _join_month(who: Sitting) -> NDArray[np.int64]:
    """Let members join between their start and the first wave, so that what they say is the same in every wave."""
    start = start_month(who)
    first = month_count(min((*who.world.survey.waves, who.month)))
    return start + np.floor(lasting(who, "joined") * np.maximum(0, first - start)).astype(np.int64)
