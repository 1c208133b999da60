"""The statement of a bundle, for the people who let it out and those who take it in. May touch: nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from impact.report.format import decimal, signed
from impact.report.sections.bundle import worth
from impact.text import LANGUAGES, Language, Text

_HEAD = Text("What is in this bundle", "本数据包内容说明")
_SECTIONS = {
    "in": Text("What it is", "概况"),
    "rules": Text("Rules, and what was withheld", "规则与隐匿"),
    "noise": Text("What it costs", "隐匿的代价"),
    "left_out": Text("What cannot be estimated from it", "无法据此估计的内容"),
    "not": Text("What is not in it", "其中没有什么"),
}
_NOT = Text(
    "No row of a worker, no identifier, no pseudonym, no path of a machine, no free text. Whoever holds another bundle of nearly the same workers can subtract: hand out one, and keep count of those handed out.",
    "不含任何劳动者的逐行记录、标识、化名、机器路径或自由文本。若有人持有另一份劳动者几乎相同的数据包，两者可以相减：请只发放一份，并登记已发放者。",
)
_NOISE = Text(
    "Estimates from the bundle, and how far they lie from those of all cells, in standard errors of the latter and in steps of 0.1.",
    "由本数据包所得的估计，及其与全部单元所得估计之差，以后者的标准误为单位，精确到0.1。",
)

_NOISE_HEADS = {
    "en": ("estimate of", "from the bundle", "standard error", "difference"),
    "zh": ("估计对象", "本数据包的估计", "标准误", "差"),
}


def statement_of(provenance: Mapping[str, Any], record: Mapping[str, Any]) -> dict[str, str]:
    """Write the statement in both languages, as Markdown."""
    return {language: _statement(provenance, record, language) for language in LANGUAGES}


def noise_rows(noise: Sequence[Mapping[str, Any]], language: Language) -> list[tuple[str, str, str, str]]:
    """Give the noise as cells of a table: what, estimate, standard error, difference in standard errors."""
    return [
        (noise_title(row)[language], _number(row["estimate"], True), _number(row["std_error"], False), _difference(row["in_errors"]))
        for row in noise
    ]


def noise_title(row: Mapping[str, Any]) -> Text:
    """Name a number of the noise."""
    time = row["event_time"]
    if time is None or time != time:
        return Text(row["title_en"], row["title_zh"])
    return Text(f"{row['title_en']}, event time {int(time)}", f"{row['title_zh']}，相对时间{int(time)}")


def _number(value: float | None, with_sign: bool) -> str:
    shown = float("nan") if value is None else value
    digits = 4 if abs(shown) < 10 else 2
    return signed(shown, digits) if with_sign else decimal(shown, digits)


def _difference(value: float | None) -> str:
    return decimal(float("nan")) if value is None else signed(value, 1)


def _statement(provenance: Mapping[str, Any], record: Mapping[str, Any], language: Language) -> str:
    heads = {name: f"\n## {words[language]}\n" for name, words in _SECTIONS.items()}
    stamp = ["**SYNTHETIC DATA / 合成数据**\n"] if provenance["synthetic"] else []
    lines = [f"# {_HEAD[language]}\n", *stamp, heads["in"], *_facts(provenance, record, language), heads["rules"]]
    lines += [f"- {sentence[language]}" for sentence in record["sentences"]]
    lines += [
        heads["noise"],
        _NOISE[language],
        "",
        *_table(_NOISE_HEADS[language], noise_rows(record["noise"], language)),
        "",
        worth(record["noise"])[language],
    ]
    if record["left_out"]:
        lines += [heads["left_out"], *(f"- `{one['purpose']}`: {one[language]}" for one in record["left_out"])]
    return "\n".join([*lines, heads["not"], _NOT[language]]) + "\n"


def _facts(provenance: Mapping[str, Any], record: Mapping[str, Any], language: Language) -> list[str]:
    source, rules = provenance["source"], ", ".join(f"{name} = {value}" for name, value in provenance["rules"].items())
    caps = "; ".join(f"{name} > {value:,.2f}" for name, value in provenance["top_codes"].items())
    facts = (
        (Text("Study", "研究"), f"{provenance['study']}: {provenance['title'][language]}"),
        (Text("Source", "来源"), source["citation"]),
        (Text("SHA-256 of the source", "来源的SHA-256"), f"`{source['sha256']}`"),
        (Text("Worker-months behind it, rounded", "所依据的劳动者-月（取整）"), f"{record['rows']:,}"),
        (Text("Made", "生成"), f"{provenance['created']}, {provenance['made_with']}"),
        (Text("Rules", "规则"), rules),
        *(((Text("Top codes: values above count as this", "上限编码：高于此值者按此值计"), caps),) if caps else ()),
        (Text("Moments, and what they serve", "矩，及其用途"), _serving(provenance)),
    )
    return [f"- {name[language]}: {value}" for name, value in facts]


def _serving(provenance: Mapping[str, Any]) -> str:
    names = dict.fromkeys(entry["moments"] for entry in provenance["moments"])
    return "; ".join(f"`{name}` ({', '.join(one['purpose'] for one in provenance['moments'] if one['moments'] == name)})" for name in names)


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    return [f"| {' | '.join(heads)} |", f"|{' --- |' * len(heads)}", *(f"| {' | '.join(row)} |" for row in rows)]
