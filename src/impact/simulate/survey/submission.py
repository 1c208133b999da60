"""When, from where and how long: what the platform of the questionnaire records about a submission. May touch: nothing."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from impact.simulate.survey.sitting import Floats, Sitting, fresh, lasting, normal, picked

MEDIAN_SECONDS = 540.0
"""Median time for the questionnaire: sixty questions, about a hundred ticks [A]."""
_SLOWEST_SHARE, _LONGEST = 0.45, 3600.0
"""Honest respondents take at least this share of the median, so that no one of them is a speeder by the rule of a third."""
_FIRST_DAY, _DAYS, _SECOND_TRY_DAYS = 8, 14, 5
_HOURS = (7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23)
_BUSY = (2, 4, 6, 8, 8, 7, 8, 8, 7, 6, 4, 4, 6, 8, 8, 5, 1)
_PLACES = ("山东-青岛", "山东-烟台", "山东-潍坊", "山东-日照", "江苏-南京", "北京-北京")
_PLACE_SHARES = (0.93, 0.02, 0.02, 0.01, 0.01, 0.01)
_SHARED_ADDRESS = 0.5
"""Share of a bargaining unit's members who answer over the station's Wi-Fi, hence from one address [A]."""


def submitted(who: Sitting, answers: pd.DataFrame) -> pd.DataFrame:
    """Add to answers what is recorded about their submission: account_id, frame_id, start_ts, end_ts, source, ip, ip_place; local time, no zone."""
    seconds = _seconds(who)
    end = _end(who)
    return answers.assign(
        account_id=who.workers["account_id"],
        frame_id=who.workers["frame_id"],
        start_ts=end - seconds.astype("timedelta64[s]"),
        end_ts=end,
        source=_source(who, answers["mode"]),
        ip=_address(who),
        ip_place=np.array(_PLACES, dtype=object)[picked(lasting(who, "place"), tuple(range(6)), _PLACE_SHARES).astype(int)],
    )


def _seconds(who: Sitting) -> Floats:
    drawn = MEDIAN_SECONDS * np.exp(0.33 * normal(fresh(who, "seconds")))
    return np.asarray(np.round(np.clip(drawn, _SLOWEST_SHARE * MEDIAN_SECONDS, _LONGEST)), dtype=np.float64)


def _end(who: Sitting) -> NDArray[np.datetime64]:
    """Draw the time of submission; a second try of the same person comes days after the last first one could have come."""
    again = who.occasion.endswith("again")
    first, days = (_FIRST_DAY + _DAYS, _SECOND_TRY_DAYS) if again else (_FIRST_DAY, _DAYS)
    day = first - 1 + np.floor(fresh(who, "day") * days)
    hour = picked(fresh(who, "hour"), _HOURS, _BUSY)
    second = np.floor(fresh(who, "second") * 3600)
    midnight = np.datetime64(f"{who.month}-01T00:00:00", "s")
    return midnight + (day * 86400 + hour * 3600 + second).astype("timedelta64[s]")


def _source(who: Sitting, mode: pd.Series[int]) -> NDArray[np.object_]:
    """Tell the channel: those who scan come by WeChat or the phone's browser, interviewers by a link."""
    scanned = np.where(fresh(who, "source") < 0.8, "微信", "手机提交")
    return np.where(mode.eq(1).to_numpy(dtype=bool, na_value=False), scanned, "链接").astype(object)


def _address(who: Sitting) -> NDArray[np.object_]:
    """Draw addresses from 100.64.0.0/10, which belongs to nobody (RFC 6598); some people of a unit share one, with no harm meant."""
    own = np.floor(lasting(who, "address") * 2**22).astype(np.int64)
    shares = (who.workers["unit"].astype(str) != "").to_numpy(dtype=bool) & (lasting(who, "wi-fi") < _SHARED_ADDRESS)
    number = np.where(shares, _unit_number(who.workers["unit"]), own)
    return np.array([f"100.{64 + (place >> 16)}.{place >> 8 & 255}.{place & 255}" for place in number], dtype=object)


def _unit_number(units: pd.Series[str]) -> NDArray[np.int64]:
    hashes = pd.util.hash_array(units.astype(str).to_numpy(dtype=object))
    return (hashes % np.uint64(2**22)).astype(np.int64)
