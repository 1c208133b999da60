"""What identifies a respondent leaves the answers: marks in texts, provinces for addresses, nothing sensitive without consent. May touch: nothing."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from impact.clean.identifiers import Kind
from impact.clean.privacy import pseudonyms, scrub
from impact.clean.survey.options import SurveyOptions
from impact.clean.survey.rules import Met, Named
from impact.clean.survey.values import Draft
from impact.schema.questionnaire import Codebook
from impact.sources.key import Key
from impact.text import Text

_WORDS: Mapping[Kind, Text] = {
    "phone": Text("telephone number", "电话号码"),
    "id_number": Text("identity number", "身份证号"),
    "name": Text("name of a person", "人名"),
    "bank_card": Text("bank card number", "银行卡号"),
    "email": Text("e-mail address", "电子邮箱"),
    "ip": Text("address of a device", "IP地址"),
    "wechat": Text("account of a messenger", "社交账号"),
    "plate": Text("number plate", "车牌号"),
}
_SENSITIVE = Named(
    "sensitive_without_consent",
    "changed",
    Text("sensitive answers without consent to them", "未获单独同意的敏感信息"),
    Text("taken out; the law asks for separate consent", "已删除；法律要求取得单独同意"),
)
_ADDRESS = Named(
    "address_replaced",
    "changed",
    Text("address of the device", "IP地址"),
    Text("replaced by the province and, where there is a key, by a pseudonym", "替换为省份；有密钥时另存假名"),
)
DIRECT = ("ip", "ip_place", "source", "source_detail")
"""Recorded columns that the clean table does not have; the link's code stays, since weights are joined by it."""


def without_identifiers(draft: Draft, codebook: Codebook, columns: Mapping[str, str], options: SurveyOptions) -> tuple[Draft, list[Met]]:
    """Scrub texts, take out sensitive answers that nobody allowed, and replace addresses."""
    scrubbed, texts = _scrubbed(draft, codebook, columns)
    allowed, sensitive = _allowed(scrubbed, codebook, columns, options)
    answers = allowed.answers
    met = _ADDRESS.rows(answers["ip"].notna(), columns.get("address", ""))
    return Draft(_placed(answers, options.key), allowed.reasons), [*texts, sensitive, met]


def _scrubbed(draft: Draft, codebook: Codebook, columns: Mapping[str, str]) -> tuple[Draft, list[Met]]:
    """Put marks into free texts and the words beside 其他, and say for every kind where it stood."""
    texts = {item.field: item.field for item in codebook.items if item.kind == "text" and item.sensitivity == "free_text"}
    texts |= {name: field for field, name in codebook.fill_ins.items()}
    answers, found = draft.answers.copy(), dict[Kind, list[tuple[int, str]]]({"phone": [], "id_number": [], "name": []})
    for name, field in texts.items():
        for place, text in answers[name].dropna().items():
            marked, kinds = scrub(str(text))
            answers.at[place, name] = marked
            for kind in kinds:
                found.setdefault(kind, []).append((int(str(place)), columns.get(field, field)))
    return Draft(answers, draft.reasons), [_in_text(kind).cells(cells) for kind, cells in found.items()]


def _in_text(kind: Kind) -> Named:
    words = _WORDS[kind]
    why = Text("a mark stands in its place; the text as received stays with the raw files", "已用标记替代；原文仅存于原始文件")
    return Named(f"{kind}_in_text", "changed", Text(f"{words.en} in a text", f"文本中含{words.zh}"), why)


def _allowed(draft: Draft, codebook: Codebook, columns: Mapping[str, str], options: SurveyOptions) -> tuple[Draft, Met]:
    """Take out what is sensitive where consent to it is not given; a questionnaire that never asks for it gives none."""
    asked = options.sens_consent in draft.answers
    consents = draft.answers[options.sens_consent].eq(1).fillna(False) if asked else pd.Series(False, index=draft.answers.index)
    answers, reasons, cells = draft.answers.copy(), draft.reasons.copy(), list[tuple[int, str]]()
    for field in (item.field for item in codebook.items if item.sensitivity == "sensitive"):
        taken = answers.index[(answers[field].notna() & ~consents).to_numpy(dtype=bool)]
        answers.loc[taken, field], reasons.loc[taken, field] = pd.NA, "withheld"
        cells += [(int(place), columns.get(field, field)) for place in taken]
    return Draft(answers, reasons), _SENSITIVE.cells(cells)


def _placed(answers: pd.DataFrame, key: Key | None) -> pd.DataFrame:
    """Give the province of each address, and its pseudonym where there is a key; the address itself goes."""
    province = answers["ip_place"].str.split(r"[-–—]", n=1, regex=True).str[0].astype("string")
    given = [None if pd.isna(value) else str(value) for value in answers["ip"]]
    hashed = pseudonyms(given, key, "d_") if key else [None] * len(given)
    added = answers.assign(ip_province=province, ip_hash=pd.array(hashed, dtype="string"))
    return added.drop(columns=list(DIRECT))
