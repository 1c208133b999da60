"""Rules that take whole submissions out: no consent, repeats, speed, inattention, one step everywhere, dates. May touch: nothing."""

from __future__ import annotations

from typing import Any

import pandas as pd

from impact.clean.survey.options import SurveyOptions
from impact.clean.survey.rules import Met, Named
from impact.schema.questionnaire import Codebook
from impact.sources.survey_table import SurveyTable
from impact.text import Text

_NO_CONSENT = Named(
    "screened_out",
    "dropped",
    Text("no consent", "未同意参加"),
    Text("without consent nothing may be used", "未获知情同意，答卷不得使用"),
)
_EXACT = Named(
    "duplicate_exact",
    "dropped",
    Text("submitted again, same answers", "重复提交，答案相同"),
    Text("one link belongs to one person; the first valid submission stays", "同一链接对应同一人，保留最早的有效答卷"),
)
_CHANGED = Named(
    "duplicate_changed",
    "dropped",
    Text("submitted again, other answers", "重复提交，答案不同"),
    Text("one link belongs to one person; the first valid submission stays", "同一链接对应同一人，保留最早的有效答卷"),
)
_SPEED = Named(
    "speeder",
    "dropped",
    Text("too fast", "作答过快"),
    Text(
        "less than a third of the median time of those who took part: the questions were not read",
        "用时不足参加者中位数的三分之一，未认真读题",
    ),
)
_ATTENTION = Named(
    "attention_failed",
    "dropped",
    Text("attention item wrong", "注意力检测题未通过"),
    Text("the line says which step to tick", "该行已写明应选的选项"),
)
_STRAIGHT = Named(
    "straight_liner",
    "dropped",
    Text("one step ticked everywhere", "全部量表题选同一项"),
    Text("lines worded in opposite directions cannot all be true to the same degree", "正向与反向表述的题目不可能程度完全相同"),
)
_DATES = Named(
    "outside_field_dates",
    "dropped",
    Text("outside the fieldwork", "不在调查期内"),
    Text("submitted before the first or after the last day of the fieldwork", "提交时间早于调查首日或晚于调查末日"),
)
_DEVICE_NAME = Text("same address and same answers under another link", "不同链接、同一IP且答案完全相同")
_DEVICE_WHY = Text("a whole questionnaire is never answered alike by chance", "整份问卷答案完全一致不可能出于偶然")
_LEAST_LINES = 4
_SHARED = Named(
    "shared_address",
    "kept",
    Text("address shared with others", "与他人共用IP"),
    Text(
        "stations share their Wi-Fi and operators their addresses: no sign of a fault", "站点共用无线网络、运营商共用出口地址，不视为异常"
    ),
)
_BLOCKS = Named(
    "straight_block",
    "kept",
    Text("one step throughout a block", "某一量表内全部选同一项"),
    Text("standard deviation of a block is 0; short blocks can be so in earnest", "该量表标准差为0；题目较少时可能是真实作答"),
)


def quality(raw: SurveyTable, options: SurveyOptions) -> list[Met]:
    """Apply the rules on whole submissions in their order; each says every row that it meets, whatever others met."""
    alone = [
        _no_consent(raw, options),
        *_speed(raw, options),
        *_attention(raw, options),
        _straight(raw, options),
        *_dates(raw, options),
    ]
    invalid = pd.Series(False, index=raw.answers.index)
    for met in alone:
        invalid[list(met.places)] = True
    exact, changed = _repeats(raw, options, ~invalid)
    repeated = pd.Series(raw.answers.index.isin([*exact.places, *changed.places]), index=raw.answers.index)
    device = _same_device(raw, options, ~invalid & ~repeated)
    return [alone[0], exact, changed, device, *alone[1:], _shared(raw), _straight_blocks(raw, options)]


def straight_blocks(raw: SurveyTable, options: SurveyOptions) -> pd.Series[int]:
    """Count the blocks of at least four lines whose standard deviation is 0, per submission."""
    blocks = [[field for field in fields if field != options.attention] for fields in raw.codebook.blocks.values()]
    spreads = [raw.answers[fields].astype("Float64").std(axis=1, skipna=False) for fields in blocks if len(fields) >= _LEAST_LINES]
    return sum((spread.eq(0).fillna(False).astype(int) for spread in spreads), start=pd.Series(0, index=raw.answers.index))


def takes_part(raw: SurveyTable, options: SurveyOptions) -> pd.Series[bool]:
    """Tell who consents; everybody, where the questionnaire does not ask."""
    if options.consent not in raw.answers:
        return pd.Series(True, index=raw.answers.index)
    return raw.answers[options.consent].eq(1).fillna(False).astype(bool)


def _column(raw: SurveyTable, what: str) -> str:
    return raw.columns.get(what, "")


def _no_consent(raw: SurveyTable, options: SurveyOptions) -> Met:
    return _NO_CONSENT.rows(~takes_part(raw, options), _column(raw, options.consent))


def _speed(raw: SurveyTable, options: SurveyOptions) -> list[Met]:
    """Compare with the median of those who take part; whoever refuses is done at once, and that is no haste."""
    seconds, part = raw.answers["seconds"].astype("Float64"), takes_part(raw, options)
    median = seconds[part].median()
    if pd.isna(median):
        return []
    return [_SPEED.rows(part & seconds.lt(options.least_share_of_median * float(median)).fillna(False), _column(raw, "seconds"))]


def _attention(raw: SurveyTable, options: SurveyOptions) -> list[Met]:
    if options.attention not in raw.answers:
        return []
    given = raw.answers[options.attention]
    return [_ATTENTION.rows(given.notna() & given.ne(options.attention_answer), _column(raw, options.attention))]


def _straight(raw: SurveyTable, options: SurveyOptions) -> Met:
    """Find one step throughout all lines, of which some must be reversed; the attention item asks for a step and does not count."""
    lines = [item for item in raw.codebook.items if item.kind == "likert" and item.field != options.attention]
    steps = raw.answers[[item.field for item in lines]].astype("Float64")
    enough = steps.notna().sum(axis=1) >= options.least_likert
    reversed_ = [item.field for item in lines if item.reverse]
    both = steps[reversed_].notna().any(axis=1) if reversed_ else pd.Series(False, index=steps.index)
    return _STRAIGHT.rows(enough & both & steps.nunique(axis=1).eq(1))


def _dates(raw: SurveyTable, options: SurveyOptions) -> list[Met]:
    if options.field_dates is None:
        return []
    first, last = (pd.Timestamp(day) for day in options.field_dates)
    submitted = raw.answers["end_ts"]
    return [_DATES.rows((submitted < first) | (submitted >= last + pd.Timedelta(days=1)), _column(raw, "time"))]


def shared_links(raw: SurveyTable, options: SurveyOptions) -> list[str]:
    """Name the links that many people were given, such as one for a whole station."""
    uses = raw.answers["link_code"].value_counts()
    return [str(code) for code in uses.index[uses.to_numpy() > options.most_per_link]]


def _repeats(raw: SurveyTable, options: SurveyOptions, valid: pd.Series[bool]) -> tuple[Met, Met]:
    """Find later submissions of one link: later than its first valid one, or than its first where none is valid."""
    order = raw.answers.sort_values(["end_ts", "submission"], kind="stable").index
    links = raw.answers["link_code"].loc[order].dropna()
    links = links[~links.isin(shared_links(raw, options))]
    vectors = answer_vectors(raw)
    exact, changed = pd.Series(False, index=raw.answers.index), pd.Series(False, index=raw.answers.index)
    for _, places in links[links.duplicated(keep=False)].groupby(links, sort=False):
        in_time = places.index.tolist()
        kept = next((place for place in in_time if valid[place]), in_time[0])
        for later in in_time[in_time.index(kept) + 1 :]:
            (exact if vectors[later] == vectors[kept] else changed)[later] = True
    return _EXACT.rows(exact, _column(raw, "detail")), _CHANGED.rows(changed, _column(raw, "detail"))


def answer_vectors(raw: SurveyTable) -> pd.Series[Any]:
    """Hash everything that a respondent answered, the words and what is missing included, into one number per submission."""
    fields = [*raw.codebook.fields, *raw.codebook.fill_ins.values()]
    written = raw.answers[fields].astype("string").fillna("")
    for cell in raw.unread:
        written.at[cell.place, cell.field] = cell.written
    hashed = pd.util.hash_pandas_object(pd.concat([written, raw.reasons.add_prefix("why_")], axis=1), index=False)
    return pd.Series(hashed.to_numpy(), index=raw.answers.index)


def _same_device(raw: SurveyTable, options: SurveyOptions, candidates: pd.Series[bool]) -> Met:
    """Find the same answers from the same address; who refused consent, or repeated a link, has been met before."""
    named = Named("same_device_answers", options.same_device, _DEVICE_NAME, _DEVICE_WHY)
    rows = raw.answers.loc[candidates & raw.answers["ip"].notna(), ["ip", "end_ts", "submission"]].sort_values(["end_ts", "submission"])
    again = rows.assign(vector=answer_vectors(raw)).duplicated(["ip", "vector"])
    return named.rows(again.reindex(raw.answers.index, fill_value=False), _column(raw, "address"))


def _shared(raw: SurveyTable) -> Met:
    shared = raw.answers["ip"].notna() & raw.answers["ip"].duplicated(keep=False)
    return _SHARED.rows(shared, _column(raw, "address"))


def _straight_blocks(raw: SurveyTable, options: SurveyOptions) -> Met:
    return _BLOCKS.rows(straight_blocks(raw, options) > 0)


def switched_off(codebook: Codebook, options: SurveyOptions) -> list[tuple[str, str]]:
    """Name the rules that cannot be applied since the codebook lacks what they need, as (rule, what is lacking)."""
    needed = {
        _NO_CONSENT.id: options.consent,
        _ATTENTION.id: options.attention,
        "sensitive_without_consent": options.sens_consent,
        "income_in_wan": options.incomes[0] if options.incomes else "",
    }
    lacking = [(rule, field) for rule, field in needed.items() if field not in codebook.by_field]
    return lacking if any(item.reverse for item in codebook.items) else [*lacking, (_STRAIGHT.id, "reverse: true")]
