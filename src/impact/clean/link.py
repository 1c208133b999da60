"""Join answers of a survey to accounts of a platform, without an identifier in what comes out. May touch: nothing.

The way is: answer → code of its link (`sojumpparm=` in the export) → list of issued questionnaires → account → pseudonym. Only answers with their own consent to
be linked go past the code; of the others only the cell of the sample that the list itself holds is used, to see who is missed.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

from impact.clean.privacy import masked, pseudonyms
from impact.errors import DataError, listing, nearest
from impact.sources.key import Key, derive
from impact.text import Text

if TYPE_CHECKING:
    import pandas as pd

MARGINS = ("industry", "tenure_band", "intensity", "sex", "age_band")
"""Columns of the issued list by which linked and missed answers are compared, where the list has them."""
FATES = {
    "linked": Text("linked to one account", "已关联到唯一账号"),
    "no_consent": Text("no consent to be linked", "不同意关联"),
    "consent_missing": Text("question on linking not answered: taken as no", "未回答是否同意关联，按不同意处理"),
    "no_code": Text("answered without a personal link", "未通过专属链接作答"),
    "code_unknown": Text("code of the link is not on the issued list", "链接编码不在发放名单中"),
    "code_shared": Text("several answers to one link: none is linked", "同一链接有多份答卷，均不关联"),
    "account_shared": Text("several links for one account: none is linked", "同一账号对应多个链接，均不关联"),
    "account_unknown": Text("account is not in the platform's tables", "账号不在平台数据表中"),
}
"""What can become of an answer, in the order in which it is decided (after `linked`)."""


@dataclass(frozen=True, slots=True)
class Linked:
    """Which answers belong to which worker, how many could be joined, and who is missed. No identifier in clear."""

    pairs: pd.DataFrame
    """One row per linked answer: `respondent` and `worker`, pseudonyms of the project's tables, and `link`, their common one for this purpose."""
    fates: pd.DataFrame
    """One row per fate that occurs: `fate` (of `FATES`), `answers`."""
    rates: pd.DataFrame
    """One row for all and per level of a margin: `margin, level, answers, consenting, linked, consent_rate, match_rate, linked_rate` (shares, 0 to 1).

    `match_rate` is linked / consenting, `linked_rate` linked / answers. Answers without a known code have the level "". Counts may be small: see `moments.suppress`.
    """
    missed: pd.DataFrame
    """One row per level: `margin, level, share_linked, share_missed, difference, standardised`; `standardised` divides by the root of the mean of p(1 − p)."""
    key_id: str
    """Key of `link`: project key and purpose."""


def link_key(key: Key, purpose: str) -> Key:
    """Give the key of one linked data set; pseudonyms of two purposes or projects cannot be joined."""
    return derive(key, f"link:{purpose}")


def link(survey: pd.DataFrame, issued: pd.DataFrame, workers: Collection[str], key: Key, purpose: str) -> Linked:
    """Link answers to accounts by the code of the link, where consent is given and one answer meets one account.

    `survey` has `resp_id, frame_id, link_consent` (1 yes), one row per answer; `issued` has `frame_id, account_id` and some of `MARGINS`; `workers` are the
    pseudonyms (`w_`, same key) of the accounts that the platform's tables know. Tables are not changed.
    Raises DataError where a column is missing, an answer stands twice, or a code was issued for two accounts.
    """
    _refuse_unusable(survey, issued)
    answers = _answers(survey, issued)
    joined = answers[answers["consent"] == 1].copy()
    joined["worker"] = pseudonyms(joined["account_id"].tolist(), key)
    answers["fate"] = _fates(answers, joined["worker"].reindex(answers.index), frozenset(workers))
    linked = joined[answers.loc[joined.index, "fate"] == "linked"]
    own = link_key(key, purpose)
    pairs = linked.assign(
        respondent=pseudonyms(linked["resp_id"].tolist(), key, "r_"), link=pseudonyms(linked["worker"].tolist(), own, "l_")
    )
    margins = [name for name in MARGINS if name in issued.columns]
    return Linked(
        pairs[["respondent", "worker", "link"]].sort_values("link", ignore_index=True),
        _counted(answers["fate"]),
        _rates(answers, margins),
        _missed(answers, margins),
        own.id,
    )


def _refuse_unusable(survey: pd.DataFrame, issued: pd.DataFrame) -> None:
    for table, columns, name in (
        (survey, ("resp_id", "frame_id", "link_consent"), "survey"),
        (issued, ("frame_id", "account_id"), "issued list"),
    ):
        for column in columns:
            if column not in table.columns:
                hint = nearest(column, map(str, table.columns)) or "Name the columns as the data dictionary does."
                raise DataError(f"{name}: there is no column `{column}`.\nColumns found: {listing(table.columns, 30)}.\n{hint}")
    _refuse_twice(survey, "resp_id", "survey", "Take repeated answers out before linking.")
    given = issued[["frame_id", "account_id"]].drop_duplicates()
    _refuse_twice(
        given, "frame_id", "issued list", "A code must lead to one account: ask who made the list which of them received the link."
    )


def _refuse_twice(table: pd.DataFrame, column: str, name: str, advice: str) -> None:
    twice = table[column].notna() & table[column].duplicated(keep=False)
    if twice.any():
        places = listing((place + 1 for place, is_twice in enumerate(twice) if is_twice), 6)
        raise DataError(f"{name}: `{column}` does not identify a row.\nFound the same value in several of the records {places}.\n{advice}")


def _answers(survey: pd.DataFrame, issued: pd.DataFrame) -> pd.DataFrame:
    """One row per answer with what the issued list says of its code; the order of the survey is kept."""

    asked = survey[["resp_id", "frame_id"]].astype("string").reset_index(drop=True)
    asked["consent"] = _consent(survey["link_consent"]).reset_index(drop=True)
    listed = issued[["frame_id", "account_id", *(name for name in MARGINS if name in issued.columns)]].astype("string")
    found = asked.merge(listed.drop_duplicates("frame_id").dropna(subset="frame_id"), on="frame_id", how="left", validate="many_to_one")
    texts = found[["resp_id", *listed.columns]].astype(object)
    return found.assign(**texts.where(texts.notna(), None))


def _consent(said: pd.Series[str]) -> pd.Series[float]:
    import pandas as pd

    codes = pd.to_numeric(said, errors="coerce")
    unread = said.notna() & codes.isna()
    if unread.any():
        raise DataError(
            f"survey: column `link_consent` cannot be read in {int(unread.sum()):,} records.\nFound {listing(sorted(set(said[unread].map(masked))), 3)}.\n"
            "Clean the survey first: 1 is yes, everything else is no."
        )
    return codes


def _fates(answers: pd.DataFrame, worker: pd.Series[str], workers: frozenset[str]) -> pd.Series[str]:
    """Decide what becomes of each answer: the first reason that holds, or `linked`."""
    import pandas as pd

    code, consent, account = answers["frame_id"], answers["consent"], answers["account_id"]
    reasons = {
        "consent_missing": consent.isna(),
        "no_consent": consent != 1,
        "no_code": code.isna() | (code == ""),
        "code_unknown": account.isna(),
        "code_shared": code.duplicated(keep=False),
        "account_shared": worker.duplicated(keep=False),
        "account_unknown": ~worker.isin(workers),
    }
    fate = pd.Series("linked", index=answers.index, dtype=object)
    for name, holds in reversed(reasons.items()):
        fate = fate.mask(holds, name)
    return fate


def _counted(fate: pd.Series[str]) -> pd.DataFrame:
    counts = fate.value_counts()
    return counts.reindex([name for name in FATES if name in counts.index]).rename_axis("fate").reset_index(name="answers")


def _rates(answers: pd.DataFrame, margins: list[str]) -> pd.DataFrame:
    import pandas as pd

    found = answers.assign(all="", linked=answers["fate"] == "linked", consenting=answers["consent"] == 1)
    parts = [
        found.fillna({name: ""}).groupby(name)[["consenting", "linked"]].agg(["sum", "size"]).pipe(_flat).assign(margin=name)
        for name in ("all", *margins)
    ]
    rates = pd.concat(parts, ignore_index=True)
    rates = rates.assign(
        consent_rate=rates["consenting"] / rates["answers"],
        match_rate=(rates["linked"] / rates["consenting"]).where(rates["consenting"] > 0),
        linked_rate=rates["linked"] / rates["answers"],
    )
    return rates[["margin", "level", "answers", "consenting", "linked", "consent_rate", "match_rate", "linked_rate"]]


def _flat(grouped: pd.DataFrame) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(
        {
            "level": grouped.index.astype(str),
            "answers": grouped["linked", "size"].to_numpy(),
            "consenting": grouped["consenting", "sum"].to_numpy(),
            "linked": grouped["linked", "sum"].to_numpy(),
        }
    )


def _missed(answers: pd.DataFrame, margins: list[str]) -> pd.DataFrame:
    """Compare linked with missed answers; those without a known code have no margins and are left out."""
    import pandas as pd

    columns = ["margin", "level", "share_linked", "share_missed", "difference", "standardised"]
    known = answers[answers["account_id"].notna()]
    is_linked = known["fate"] == "linked"
    parts = [pd.DataFrame(columns=columns)]
    for name in margins:
        levels = known[name].fillna("")
        shares = pd.DataFrame(
            {
                "share_linked": levels[is_linked].value_counts(normalize=True),
                "share_missed": levels[~is_linked].value_counts(normalize=True),
            }
        )
        shares = shares.fillna(0.0).sort_index().rename_axis("level").reset_index()
        first, second = shares["share_linked"], shares["share_missed"]
        spread = ((first * (1 - first) + second * (1 - second)) / 2) ** 0.5
        gap = first - second
        parts.append(shares.assign(margin=name, difference=gap, standardised=(gap / spread).where(spread > 0))[columns])
    return pd.concat([part for part in parts if len(part)] or parts, ignore_index=True)
