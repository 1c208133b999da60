"""Material becomes a document: title, one-sentence answer, verdict, key figures, sections, provenance. May touch: nothing."""

from __future__ import annotations

from impact.report.document import Block, Bullets, Document, Figure, Paragraph, Table, VerdictBox
from impact.report.format import count, decimal, interval, percent, signed
from impact.report.material import Material, text_of
from impact.report.sections import SECTIONS
from impact.report.sections.attrition import range_of_rates
from impact.report.sections.effects import compared, in_percent, interval_of, overall, people
from impact.text import Text
from impact.verdict.wording import require_allowed


def build(material: Material) -> Document:
    """Write the document.

    Raises ReportError where a sentence claims more than the verdict carries.
    """
    sections = tuple(found for module in SECTIONS if (found := module.section(material)) is not None)
    verdict = material.verdict
    document = Document(
        study=material.study.name,
        run=material.run,
        title=text_of(material.study.title),
        answer=_answer(material),
        verdict=VerdictBox(verdict.level, verdict.name, verdict.reason, verdict.would_raise),
        key_figures=_key_figures(material),
        sections=sections,
        provenance=_provenance(material),
        synthetic=material.study.synthetic,
    )
    require_allowed(texts_of(document), verdict.level, quoted=(material.study.source.citation,))
    return document


def texts_of(document: Document) -> list[Text]:
    """List every sentence of a document."""
    found = [document.title, document.answer, document.verdict.reason, document.verdict.would_raise]
    for section in document.sections:
        found.append(section.title)
        for block in section.blocks:
            found += _texts_of_block(block)
    return found


def tables_of(document: Document) -> list[Table]:
    """List the tables of a document, for their CSV files."""
    return [block for section in document.sections for block in section.blocks if isinstance(block, Table)]


def _texts_of_block(block: Block) -> list[Text]:
    match block:
        case Paragraph(text):
            return [text]
        case Bullets(items):
            return list(items)
        case Table():
            cells = [cell for row in block.rows for cell in row if isinstance(cell, Text)]
            return [block.caption, *block.columns, *cells, *([block.note] if block.note else [])]
        case Figure():
            return [block.caption, block.alt]


def _answer(material: Material) -> Text:
    return _effects_answer(material) if "results" in material.tables else _attrition_answer(material)


def _effects_answer(material: Material) -> Text:
    row, outcome, verdict = overall(material), material.outcome, material.verdict
    name = material.study.coverage.name if material.study.coverage else outcome.title
    ends, change = interval_of(material), in_percent(material, row["estimate"])
    return Text(
        f"{outcome.title.en} under {name.en}, compared with {compared(material).en}: {signed(row['estimate'], material.digits)} {material.effect_unit.en}{change.en} "
        f"({ends.en}). Evidence grade: {verdict.name.en.lower()} ({verdict.level}).",
        f"{name.zh}之下的{outcome.title.zh}，与{compared(material).zh}相比：{signed(row['estimate'], material.digits)}{material.effect_unit.zh}{change.zh}"
        f"（{ends.zh}）。证据等级：{verdict.name.zh}（{verdict.level}）。",
    )


def _attrition_answer(material: Material) -> Text:
    low, high = range_of_rates(material)
    year = material.study.attrition.year if material.study.attrition else 0
    verdict = material.verdict
    return Text(
        f"Yearly attrition in {year} is anything from {low} to {high}, depending on its definition. Evidence grade: {verdict.name.en.lower()} ({verdict.level}).",
        f"{year}年的年流失率从{low}到{high}不等，取决于口径。证据等级：{verdict.name.zh}（{verdict.level}）。",
    )


def _key_figures(material: Material) -> tuple[tuple[Text, Text | str], ...]:
    return _effects_figures(material) if "results" in material.tables else _attrition_figures(material)


def _effects_figures(material: Material) -> tuple[tuple[Text, Text | str], ...]:
    row, ladder = overall(material), material.tables.get("ladder")
    figures: list[tuple[Text, Text | str]] = [
        (Text("main estimate", "主要估计"), signed(row["estimate"], material.digits)),
        (Text("its interval", "其区间"), interval(row["conf_low"], row["conf_high"], material.digits)),
        (
            Text(f"covered {people(material).en}", f"受覆盖{'者人数' if material.study.columns.worker else '观测行数'}"),
            count(row["workers"]),
        ),
    ]
    if ladder is not None and (ladder["kind"] == "benchmark").any():
        first = ladder[ladder["kind"] == "benchmark"].iloc[0]
        figures.append(
            (
                Text("two-way fixed effects", "双向固定效应"),
                f"{signed(first['estimate'], material.digits)} ({decimal(first['std_error'], material.digits)})",
            )
        )
    return tuple(figures)


def _attrition_figures(material: Material) -> tuple[tuple[Text, Text | str], ...]:
    rates = material.tables["rates"].set_index("definition")["value"]
    survival = material.tables["survival_at"].set_index(["curve", "day"])["survival"]
    figures: list[tuple[Text, Text | str]] = [
        (Text("exits ÷ average stock", "离职 ÷ 平均存量"), percent(rates["exits_over_average_stock"], 0)),
        (Text("closed cohort", "封闭队列"), percent(rates["closed_cohort_loss"], 0)),
        (Text("exits ÷ ever active", "离职 ÷ 曾活跃"), percent(rates["exits_over_ever_active"], 0)),
    ]
    if ("delayed_entry", 365) in survival.index:
        figures.append((Text("still there after a year", "一年后仍在职"), percent(float(survival["delayed_entry", 365]), 0)))
    return tuple(figures)


def _provenance(material: Material) -> tuple[tuple[Text, Text | str], ...]:
    values = material.values
    return (
        (Text("Data", "数据"), _data(material)),
        (Text("SHA-256 of the data", "数据的SHA-256"), material.audit.sha256),
        (Text("Question", "问题"), text_of(material.study.question)),
        (Text("Made with", "制作工具"), values["made_with"]),
        (Text("Seed", "随机种子"), str(values["seed"])),
        (Text("Disclosure", "披露控制"), _disclosure(material)),
    )


def _data(material: Material) -> Text:
    audit = material.audit
    return Text(f"{audit.source}, {count(audit.rows_in)} rows", f"{audit.source}，{count(audit.rows_in)}行")


def _disclosure(material: Material) -> Text:
    fewest = material.study.report.minimum_cell
    if fewest <= 1:
        return Text("public microdata: no suppression", "公开微观数据：不做隐匿")
    return Text(
        f"numbers resting on fewer than {fewest} workers are not printed here; the run's notebooks and stages are not for publication",
        f"依据不足{fewest}人的数字在此不予印出；本次运行的笔记本与中间数据不供发布",
    )
