"""Every table's columns, once: name, type, unit, grain, meaning, sensitivity. May touch: nothing.

From here come the checks in `clean`, the data dictionary `data/README.md` and the labels of the reports.
"""

from __future__ import annotations

from impact.schema.dictionary import as_markdown
from impact.schema.income import WORKER_MONTH_INCOME
from impact.schema.pipeline import TIDY, WORKER_MONTH, WORKER_SPELL
from impact.schema.platform import (
    RAW_ACCOUNT,
    RAW_ACCOUNT_LOCAL,
    RAW_ELIGIBILITY,
    RAW_WORKER_DAY,
    RAW_WORKER_MONTH,
    RAW_WORKER_MONTH_CSV,
    RAW_WORKER_MONTH_LOCAL,
)
from impact.schema.surroundings import (
    RAW_BARGAINING_LOG,
    RAW_CITY,
    RAW_CITY_MONTH,
    RAW_PLATFORM,
    RAW_REPRESENTATIVES,
    RAW_SURVEY_ANSWERS,
    RAW_SURVEY_FRAME,
    RAW_SURVEY_MARGINS,
)
from impact.schema.table import Column, Group, Kind, Sensitivity, TableSchema
from impact.schema.world import (
    STUDY_AGREEMENTS,
    STUDY_WORKER_MONTH,
    TRUE_DEFECTS,
    TRUE_DEFINITIONS,
    TRUE_EFFECTS,
    TRUE_SURVEY_ANSWERS,
    TRUE_TWO_WORLDS,
    TRUE_WORKERS,
)

__all__ = [
    "GROUPS",
    "RAW_ACCOUNT",
    "RAW_ACCOUNT_LOCAL",
    "RAW_BARGAINING_LOG",
    "RAW_CITY",
    "RAW_CITY_MONTH",
    "RAW_ELIGIBILITY",
    "RAW_PLATFORM",
    "RAW_REPRESENTATIVES",
    "RAW_SURVEY_ANSWERS",
    "RAW_SURVEY_FRAME",
    "RAW_SURVEY_MARGINS",
    "RAW_WORKER_DAY",
    "RAW_WORKER_MONTH",
    "RAW_WORKER_MONTH_CSV",
    "RAW_WORKER_MONTH_LOCAL",
    "STUDY_AGREEMENTS",
    "STUDY_WORKER_MONTH",
    "TABLES",
    "TIDY",
    "TRUE_DEFECTS",
    "TRUE_DEFINITIONS",
    "TRUE_EFFECTS",
    "TRUE_SURVEY_ANSWERS",
    "TRUE_TWO_WORLDS",
    "TRUE_WORKERS",
    "WORKER_MONTH",
    "WORKER_MONTH_INCOME",
    "WORKER_SPELL",
    "Column",
    "Group",
    "Kind",
    "Sensitivity",
    "TableSchema",
    "data_dictionary",
]

GROUPS: tuple[Group, ...] = (
    Group(
        "Tables of the pipeline",
        "流程中的表",
        "What cleaning gives, and what every report reads.",
        "清洗所得，以及报告所依据的表。",
        (WORKER_MONTH, WORKER_MONTH_INCOME, WORKER_SPELL, TIDY),
    ),
    Group(
        "Synthetic world: raw exports",
        "合成世界：原始导出",
        "What platforms, employers, instructors and the survey send, defects included. Files are named below the world's folder. `raw/registry/*.yaml` holds the dated facts, in the format of "
        "`data/registry/`, and is no table.",
        "平台、用工企业、指导员与问卷的原始文件，含缺陷。文件名以世界文件夹为起点。`raw/registry/*.yaml` 为带日期的事实，格式同 `data/registry/`，不是表。",
        (
            RAW_ACCOUNT,
            RAW_ACCOUNT_LOCAL,
            RAW_ELIGIBILITY,
            RAW_WORKER_MONTH,
            RAW_WORKER_MONTH_CSV,
            RAW_WORKER_MONTH_LOCAL,
            RAW_WORKER_DAY,
            RAW_PLATFORM,
            RAW_CITY,
            RAW_CITY_MONTH,
            RAW_BARGAINING_LOG,
            RAW_REPRESENTATIVES,
            RAW_SURVEY_FRAME,
            RAW_SURVEY_MARGINS,
            RAW_SURVEY_ANSWERS,
        ),
    ),
    Group(
        "Synthetic world: what cleaning is held against",
        "合成世界：用于检验清洗的表",
        "Worker-months without defects, made from the truth and not from the exports.",
        "不含缺陷的“劳动者-月”，由真值生成，而非由导出文件清洗而来。",
        (STUDY_WORKER_MONTH, STUDY_AGREEMENTS),
    ),
    Group(
        "Synthetic world: truth",
        "合成世界：真值",
        "What nobody would have of a real platform. No study may read it.",
        "真实平台不可能有的数据。任何研究不得读取。",
        (TRUE_WORKERS, TRUE_TWO_WORLDS, TRUE_EFFECTS, TRUE_DEFINITIONS, TRUE_DEFECTS, TRUE_SURVEY_ANSWERS),
    ),
)
"""Every table, in the order of the data dictionary."""

TABLES: tuple[TableSchema, ...] = tuple(table for group in GROUPS for table in group.tables)


def data_dictionary() -> str:
    """Write the data dictionary as Markdown, in English and Chinese."""
    return as_markdown(GROUPS)
