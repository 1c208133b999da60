"""Tables that the pipeline makes on its way from a source to a report. May touch: nothing."""

from __future__ import annotations

from impact.schema.table import Column, TableSchema

WORKER_MONTH = TableSchema(
    name="worker_month",
    grain="worker × month",
    en="What a worker did in a month (or in a year, where the study says so). Outcomes and covariates stand beside these under their own names.",
    zh="一名劳动者在一个月内的情况（若研究注明按年，则为一年）。结果变量与协变量以各自名称并列。",
    columns=(
        Column(
            "worker",
            "text",
            "",
            "Who: one value for one person; missing in repeated cross-sections",
            "劳动者编号；重复截面数据中缺失",
            sensitivity="direct",
        ),
        Column(
            "month",
            "integer",
            "month or year",
            "When: the year, or months counted from January of year 0",
            "时间：年份，或自公元0年1月起的月数",
            True,
        ),
        Column(
            "unit",
            "text",
            "",
            "Level at which coverage is decided: platform, city, firm; the worker where a person decides",
            "决定是否覆盖的层级：平台、城市、企业或个人",
            True,
        ),
        Column("cluster", "text", "", "Level at which errors are allowed to move together", "聚类层级"),
        Column("weight", "number", "", "Sampling weight, positive", "抽样权重，须为正"),
        Column(
            "first_covered",
            "integer",
            "month or year",
            "First month under the agreement; missing means never",
            "首次受协议覆盖的时间；缺失表示从未覆盖",
        ),
        Column("covered", "yes_no", "", "Whether the worker is under the agreement in this month", "当月是否受协议覆盖"),
        Column("joined", "date", "day", "Day on which the worker joined", "入职日期", sensitivity="quasi"),
        Column(
            "left", "date", "day", "Day on which the worker left; missing while still there", "离职日期；在职者缺失", sensitivity="quasi"
        ),
    ),
)

WORKER_SPELL = TableSchema(
    name="worker_spell",
    grain="worker",
    en="One line for each worker: joined, first and last seen, left.",
    zh="每名劳动者一行：入职、首次与末次出现、离职。",
    columns=(
        Column("worker", "text", "", "Who", "劳动者编号", True, "direct"),
        Column("first_month", "integer", "month", "First month with a row", "首次出现的月份", True),
        Column("last_month", "integer", "month", "Last month with a row", "末次出现的月份", True),
        Column("months_seen", "integer", "months", "Months with a row", "出现的月数", True),
        Column(
            "entry_days",
            "integer",
            "days",
            "Tenure when first observed; above zero means delayed entry",
            "首次观察时的在职天数；大于零为延迟进入",
            True,
        ),
        Column("tenure_days", "integer", "days", "Tenure at exit or at the end of observation", "离职或观察结束时的在职天数", True),
        Column("exited", "yes_no", "", "Whether the worker left before the end of observation", "观察期内是否离职", True),
    ),
)

TIDY = TableSchema(
    name="results",
    grain="outcome × estimator × aggregate × term",
    en="The one table that every figure, table and sentence of a report reads.",
    zh="报告中所有图、表、句子所依据的唯一结果表。",
    columns=(
        Column("term", "text", "", "What is estimated", "估计项", True),
        Column("estimate", "number", "of the outcome", "Point estimate", "点估计", True),
        Column(
            "std_error",
            "number",
            "of the outcome",
            "Standard error; missing where the term is zero by construction",
            "标准误；按构造为零的项缺失",
        ),
        Column(
            "conf_low",
            "number",
            "of the outcome",
            "Lower end of the pointwise interval; missing where there is no error or test, −∞ where no effect on that side is rejected",
            "置信区间下限；无标准误或检验时缺失，该侧没有任何效应被拒绝时为−∞",
        ),
        Column(
            "conf_high",
            "number",
            "of the outcome",
            "Upper end of the pointwise interval; missing where there is no error or test, +∞ where no effect on that side is rejected",
            "置信区间上限；无标准误或检验时缺失，该侧没有任何效应被拒绝时为+∞",
        ),
        Column(
            "p_value",
            "number",
            "",
            "Two-sided p-value of no effect; missing where there is no error or test",
            "双侧p值；无标准误或检验时缺失",
        ),
        Column("cohort", "integer", "month or year", "First covered month of the workers concerned", "首次覆盖时间（组群）"),
        Column("month", "integer", "month or year", "Month of the effect", "效应发生的时间"),
        Column("event_time", "integer", "months or years", "Months since first covered", "覆盖后经过的时间"),
        Column(
            "workers",
            "number",
            "",
            "Covered workers behind the estimate, each counted once (rows, in repeated cross-sections)",
            "估计所依据的受覆盖人数，每人计一次（重复截面数据中为行数）",
        ),
    ),
)
