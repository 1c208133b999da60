"""Read the export of 问卷星, by text and by option number, together. May touch: the files, the engine.

The export by text has the labels, the one by number the option numbers; together they prove that the codebook has the options in the order of the page. Each
may come alone: then what is lost is noted. Nothing is mended: a cell that is no number is kept in `unread` for cleaning.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from impact.errors import SourceError
from impact.schema.questionnaire import Codebook, Item
from impact.sources.survey_table import Note, SurveyTable, Unread
from impact.sources.wenjuanxing.answers import Answer
from impact.sources.wenjuanxing.cells import read_cells
from impact.sources.wenjuanxing.pair import paired, refuse_other_answers
from impact.sources.wenjuanxing.side import Side, side_of
from impact.text import Text

if TYPE_CHECKING:
    from ibis.backends.duckdb import Backend


def read_wenjuanxing(engine: Backend, text: Path | None, number: Path | None, codebook: Codebook, root: Path | None = None) -> SurveyTable:
    """Read an export by text, by number, or both; rows keep the order of the export by text, or of the only one.

    `root` is the folder below which rows name their file; without it they name the file alone.
    Raises SourceError where a file cannot be opened, DataError where a question is missing, an option is unknown, or the two do not say the same.
    """
    if text is None and number is None:
        raise SourceError(
            "survey: there is no file to read.\nFound neither an export by text nor one by number.\nName at least one of them."
        )
    if text is None or number is None:
        path = text or number
        assert path is not None
        side = side_of(read_cells(engine, path, root), "text" if text else "number", codebook)
        return _table(engine, (side,), codebook)
    by_text = side_of(read_cells(engine, text, root), "text", codebook)
    by_number = paired(by_text, side_of(read_cells(engine, number, root), "number", codebook))
    refuse_other_answers(by_text, by_number, codebook)
    return _table(engine, (by_text, by_number), codebook)


def _table(engine: Backend, sides: tuple[Side, ...], codebook: Codebook) -> SurveyTable:
    first = sides[0]
    values = {item.field: _typed(item, first.answers[item.field]) for item in codebook.items}
    words = {
        name: pd.Series([answer.words for answer in first.answers[field]], dtype="string") for field, name in codebook.fill_ins.items()
    }
    reasons = {field: pd.Series([answer.reason for answer in given], dtype="string") for field, given in first.answers.items()}
    return SurveyTable(
        answers=pd.concat([first.recorded, pd.DataFrame(values | words)], axis=1),
        reasons=pd.DataFrame(reasons),
        unread=_unread(first, codebook),
        extras=first.cells.frame[list(first.found.extras)],
        codebook=codebook,
        columns={field: columns[0] for field, columns in first.found.columns.items()} | dict(first.found.meta),
        notes=(*_differences(sides), *_losses(sides)),
        engine=engine,
        name=" + ".join(side.cells.name for side in sides),
        sha256="+".join(side.cells.sha256 for side in sides),
    )


def _typed(item: Item, answers: tuple[Answer, ...]) -> pd.Series[Any]:
    """Give a column its type: numbers `Float64`, whole codes `Int64`, all else text."""
    if item.kind == "number":
        kind = "Float64"
    else:
        whole = item.kind in ("single", "likert") and all(isinstance(option.code, int) for option in item.options)
        kind = "Int64" if whole else "string"
    return pd.Series([answer.value for answer in answers], dtype=kind)


def _unread(side: Side, codebook: Codebook) -> tuple[Unread, ...]:
    return tuple(
        Unread(place, field, side.found.columns[field][0], side.written(field, place))
        for field in codebook.fields
        for place, answer in enumerate(side.answers[field])
        if answer.reason == "unread"
    )


def _differences(sides: tuple[Side, ...]) -> list[Note]:
    advice = Text("Bring the codebook and the questionnaire into line.", "请使编码本与问卷保持一致。")
    return [Note(rule, side.cells.name, len(side.cells.frame), words, advice) for side in sides for rule, words in side.found.notes]


def _losses(sides: tuple[Side, ...]) -> list[Note]:
    """Say what one export alone cannot tell."""
    if len(sides) > 1:
        return []
    side = sides[0]
    lost, advice = _LOST[side.flavour]
    return [Note(f"only_by_{side.flavour}", side.cells.name, len(side.cells.frame), lost, advice)]


_LOST = {
    "text": (
        Text(
            "only the export by text was given: nothing proves that the options of the codebook stand in the order of the page",
            "仅提供按选项文本导出的文件：无法验证编码本中的选项顺序与问卷一致",
        ),
        Text("Give the export by option number too.", "请同时提供按选项序号导出的文件。"),
    ),
    "number": (
        Text(
            "only the export by number was given: words beside 其他 are lost, option numbers are taken to follow the codebook, and a typed -2 or -3 counts as missing",
            "仅提供按选项序号导出的文件：“其他”后填写的内容缺失，选项序号只能按编码本解释，填写的-2或-3会被视为缺失",
        ),
        Text("Give the export by option text too.", "请同时提供按选项文本导出的文件。"),
    ),
}
