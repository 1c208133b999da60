"""What studies read of a world, and the truth about it. May touch: nothing."""

from __future__ import annotations

from impact.schema.table import Column, TableSchema

STUDY_WORKER_MONTH = TableSchema(
    name="study_worker_month",
    grain="worker × month",
    en="What an ideal cleaning of the exports would leave, joined to the agreements: every month from the first to the last working day, pauses included, without the world's last three "
    "months. One file for `ride_hail`, one for `waiver` (the covered platform alone, its eligible against its others), one for each group of bargaining units.",
    zh="理想清洗之后并与协议关联的数据：从首个至最后出工日的每个月，含暂停月，不含世界最后三个月。`ride_hail` 与 `waiver`（仅受覆盖平台，符合条件者对其他人）各一个文件，每组协商单元一个文件。",
    files=("clean/{group}.parquet",),
    columns=(
        Column("worker", "text", "", "Account, as its platform numbers it", "账户编号", True, "direct"),
        Column("month", "text", "month", "Month, such as 2025-03", "月份，如 2025-03", True),
        Column("platform", "text", "", "Platform", "平台编号", True),
        Column("city", "text", "", "City", "城市编号", True, "quasi"),
        Column(
            "unit",
            "text",
            "",
            "Level of the comparison: platform·city; firm in bargaining units; city·eligible or city·other in `waiver`",
            "比较的层级：平台·城市；协商单元内为企业；`waiver` 中为城市·是否符合条件",
            True,
            "quasi",
        ),
        Column(
            "cluster",
            "text",
            "",
            "Level that decided: platform; bargaining unit; as `unit` in `waiver`",
            "决定的层级：平台；协商单元；`waiver` 中同 `unit`",
            True,
            "quasi",
        ),
        Column(
            "first_covered",
            "text",
            "month",
            "First covered month; missing means never within the world",
            "首个受覆盖月份；缺失表示世界内从未覆盖",
        ),
        Column(
            "eligible",
            "yes_no",
            "",
            "Whether the waiver names the worker, by records or by the worker's word (`eligible_from`)",
            "是否符合免佣条件（按档案或自报）",
            True,
            "sensitive",
        ),
        Column("joined", "date", "day", "Day of the first order", "首单日期", True, "quasi"),
        Column(
            "left",
            "date",
            "day",
            "Last working day of those who never come back within the world and were away 90 days; missing for others",
            "离开者的最后出工日（此后90天未出工且未再返回）；其他人缺失",
            False,
            "quasi",
        ),
        Column(
            "exit_30d",
            "number",
            "0 or 1",
            "Whether the next 30 days after the month's last working day are without work; missing without work",
            "当月最后出工日之后30天是否未出工；当月未出工缺失",
        ),
        Column("exit_90d", "number", "0 or 1", "The same for 90 days", "同上，90天"),
        Column("active_days", "integer", "days", "Working days", "出工天数", True),
        Column("orders", "integer", "orders", "Orders", "完单量", True),
        Column("online_hours", "number", "hours", "Hours online", "在线小时", True),
        Column("engaged_hours", "number", "hours", "Hours with a passenger, parcel or load", "服务小时", True),
        Column("gross_yuan", "number", "yuan", "What customers paid", "流水", True, "quasi"),
        Column("commission_yuan", "number", "yuan", "Commission before any refund", "抽成（返还之前）", True, "quasi"),
        Column("receipts_yuan", "number", "yuan", "Gross less commission and fines, with bonuses and refunds", "到手收入", True, "quasi"),
        Column("cost_yuan", "number", "yuan", "Energy, rent and other costs", "成本", True, "quasi"),
        Column("income_net_yuan", "number", "yuan", "Receipts less cost; zero without work", "净收入；未出工为零", True, "quasi"),
        Column(
            "hourly_net_yuan",
            "number",
            "yuan an hour",
            "Net income by hour online; missing without work",
            "每在线小时净收入；未出工缺失",
            False,
            "quasi",
        ),
        Column(
            "below_minimum",
            "number",
            "0 or 1",
            "Whether net income is below the city's monthly minimum wage × min(1, hours online / 174); missing without work",
            "净收入是否低于本市月最低工资 × min(1, 在线小时/174)；未出工缺失",
        ),
    ),
)

TRUE_WORKERS = TableSchema(
    name="true_workers",
    grain="account",
    en="What the exports do not say of an account: who really left, when and why.",
    zh="导出数据未说明的情况：谁真正离开、何时、为何。",
    files=("truth/workers.parquet",),
    columns=(
        Column("account_id", "text", "", "Account", "账户编号", True, "direct"),
        Column("industry", "text", "", "Industry", "行业", True),
        Column("group", "text", "", "Platform, or bargaining unit", "平台或协商单元", True, "quasi"),
        Column("city_id", "text", "", "City", "城市编号", True, "quasi"),
        Column(
            "kind",
            "text",
            "",
            "worker; lapsed_before the world; never_trips; test",
            "worker 劳动者、lapsed_before 世界开始前已离开、never_trips 从未接单、test 测试账户",
            True,
        ),
        Column(
            "entry", "date", "day", "Day of the first order; missing where there never was one", "首单日期；从未接单者缺失", False, "quasi"
        ),
        Column(
            "in_stock_at_start", "yes_no", "", "Whether the person worked before the first month and had not left", "首月之前已在岗", True
        ),
        Column(
            "exit",
            "date",
            "day",
            "Last working day; missing for those still there and those who left before",
            "最后出工日；仍在岗或此前已离开者缺失",
            False,
            "quasi",
        ),
        Column(
            "cause",
            "text",
            "",
            "voluntary, deactivated or switched; missing with `exit`",
            "离开原因：自愿、被停用、转平台；与 `exit` 同缺失",
        ),
        Column(
            "closed_month",
            "text",
            "month",
            "Month in which the account was closed, such as 2025-03; missing where it was not",
            "账户关闭月份，如 2025-03；未关闭者缺失",
        ),
        Column("closing", "text", "", "open, closed or purged", "open 未关闭、closed 已注销、purged 已清理", True),
        Column(
            "first_covered",
            "text",
            "month",
            "First month under an agreement, such as 2025-03; missing for never",
            "首个受覆盖月份，如 2025-03；从未覆盖者缺失",
        ),
        Column(
            "eligible", "yes_no", "", "Whether the waiver names the person, by the records", "是否符合免佣条件（按档案）", True, "sensitive"
        ),
        Column(
            "score",
            "number",
            "points",
            "Score that decides on the waiver; 0 in worlds without one",
            "困难评分；无评分的世界为0",
            True,
            "sensitive",
        ),
        Column("full_time", "yes_no", "", "Full time", "是否专职", True),
        Column("multi_home", "yes_no", "", "Whether the person has a second platform", "是否多平台", True),
        Column("ability", "number", "standard deviations", "Lasting part of log income", "对数收入的持久部分（标准差）", True),
        Column("frailty", "number", "mean 1 at entry", "Factor on the exit hazard", "离开风险的个人乘数", True),
    ),
)

_COUNTS: tuple[Column, ...] = tuple(
    Column(name, "number", unit, en, zh, True)
    for name, unit, en, zh in (
        ("registered", "accounts", "Open accounts", "在册账户"),
        ("entries", "people", "People with their first order in the month", "当月首单的人数"),
        ("closures", "accounts", "Accounts closed in the month, purges among them", "当月关闭的账户，含清理"),
        ("in_service", "people", "People between first and last working day, pauses included", "首个至最后出工日之间的人数，含暂停者"),
        ("exits", "people", "Of these, those whose last working day of all is in the month", "其中当月最后出工、此后不再返回的人数"),
        ("working", "people", "People with work", "当月出工人数"),
        (
            "exits_30d",
            "people",
            "Of these, those without work for 30 days after their last day in the month",
            "其中当月最后出工日之后30天未出工的人数",
        ),
        ("known_30d", "people", "People with work of whom this is known before the data end", "截至数据结束可判断上项的人数"),
        ("exits_90d", "people", "As `exits_30d`, for 90 days", "同 `exits_30d`，90天"),
        ("known_90d", "people", "As `known_30d`, for 90 days", "同 `known_30d`，90天"),
        ("days", "days", "Working days", "出工天数"),
        ("orders", "orders", "Orders", "完单量"),
        ("online_hours", "hours", "Hours online", "在线小时"),
        ("gross", "yuan", "Gross", "流水"),
        ("commission_kept", "yuan", "Commission less what was paid back", "抽成（扣除返还）"),
        ("receipts", "yuan", "Receipts", "到手收入"),
        ("net", "yuan", "Net income", "净收入"),
    )
)

TRUE_TWO_WORLDS = TableSchema(
    name="true_two_worlds",
    grain="world × group × eligible × month",
    en="The same people with the same luck, counted in the world with agreements and in the one without.",
    zh="同样的人、同样的运气，在有协议与无协议的两个世界中分别计数。",
    files=("truth/two_worlds.parquet",),
    columns=(
        Column("world", "text", "", "with or without agreements", "with 有协议、without 无协议", True),
        Column("industry", "text", "", "Industry", "行业", True),
        Column("group", "text", "", "Platform, or bargaining unit", "平台或协商单元", True),
        Column(
            "eligible", "yes_no", "", "Whether the waiver names the people, by the records", "是否符合免佣条件（按档案）", True, "sensitive"
        ),
        Column("month", "text", "month", "Month, such as 2025-03", "月份，如 2025-03", True),
        *_COUNTS,
    ),
)

TRUE_EFFECTS = TableSchema(
    name="true_effects",
    grain="agreement × outcome × eligible × month",
    en="What an agreement did, month by month: with less without, over everybody of the covered group. Every month of the world, those before the agreement too.",
    zh="协议逐月的作用：受覆盖群体全体在有协议时减去无协议时。含世界每个月，包括协议之前。",
    files=("truth/effects.parquet",),
    columns=(
        Column("agreement_id", "text", "", "Agreement", "协议编号", True),
        Column("group", "text", "", "Platform or bargaining unit that it covers", "受覆盖的平台或协商单元", True),
        Column(
            "outcome",
            "text",
            "",
            "exit, exit_30d, exit_90d, income_net_yuan, receipts_yuan, online_hours, hourly_net_yuan or effective_commission",
            "结果变量（八种）",
            True,
        ),
        Column("eligible", "text", "", "all, yes or no", "符合免佣条件者：all 全体、yes 是、no 否", True),
        Column("month", "text", "month", "Month, such as 2025-03", "月份，如 2025-03", True),
        Column(
            "event_time",
            "integer",
            "months",
            "Months since the first covered one; below zero before it",
            "自首个受覆盖月起的月数；此前为负",
            True,
        ),
        Column(
            "with_agreement",
            "number",
            "of the outcome",
            "Ratio of sums in the world with agreements; missing where nobody counts",
            "有协议世界中的比值；无人计入时缺失",
        ),
        Column("without_agreement", "number", "of the outcome", "The same in the world without", "无协议世界中的比值"),
        Column("effect", "number", "of the outcome", "with_agreement − without_agreement", "两者之差"),
        Column("workers", "number", "people", "People in service in the world with agreements", "有协议世界中的在职人数", True),
    ),
)

TRUE_DEFINITIONS = TableSchema(
    name="true_definitions",
    grain="group × first_month × exits_counted × denominator",
    en="The churn of every group in each twelve months of the world, under every definition, in the world with agreements.",
    zh="有协议的世界中，每组每十二个月在各种定义下的流失率。",
    files=("truth/definitions.parquet",),
    columns=(
        Column("group", "text", "", "Platform, or bargaining unit", "平台或协商单元", True),
        Column("first_month", "text", "month", "First of the twelve months", "十二个月的首月", True),
        Column(
            "exits_counted",
            "text",
            "",
            "true exits, 30d, 90d, or closures of accounts",
            "所计离开：true 真实、30d、90d，或 closures 账户关闭",
            True,
        ),
        Column(
            "denominator",
            "text",
            "",
            "average_stock, opening_stock, ever_in_stock, average_registered, average_active or person_months",
            "分母的定义（六种）",
            True,
        ),
        Column(
            "numerator",
            "number",
            "people or accounts",
            "Exits or closures; missing where measured exits are not known for the whole year",
            "离开人数或关闭账户数；全年无法判断时缺失",
        ),
        Column("denominator_value", "number", "people, accounts or person-months", "Denominator", "分母的值", True),
        Column(
            "rate",
            "number",
            "share",
            "Quotient; with person_months 1 − (1 − h)¹²; missing where the denominator is zero",
            "流失率；person_months 为 1 − (1 − h)¹²；分母为零时缺失",
        ),
    ),
)

TRUE_DEFECTS = TableSchema(
    name="true_defects",
    grain="defect × file × row × column",
    en="The ledger of planted defects, by which cleaning is scored.",
    zh="植入缺陷的台账，用于检验清洗。",
    files=("truth/defects.parquet",),
    columns=(
        Column("defect", "text", "", "What is wrong", "缺陷类型", True),
        Column(
            "file",
            "text",
            "",
            "File below `raw/`; with * where every month of a platform is meant",
            "`raw/` 之下的文件；* 表示该平台各月",
            True,
        ),
        Column(
            "row",
            "integer",
            "",
            "Row as users count: 1 is the first of a Parquet file, 2 the first below a header; missing for whole files",
            "行号：Parquet自1起，带表头者自2起；整个文件缺失",
        ),
        Column("key", "text", "", "Account, account and day, 序号, or the file", "账户、账户与日期、序号或文件", True, "direct"),
        Column("column", "text", "", "Column; empty where the whole row is meant", "列；整行时为空", True),
        Column("original", "text", "", "What it should say; empty where nothing can be said", "应有的值；无可言时为空", True, "sensitive"),
        Column(
            "written",
            "text",
            "",
            "What it says; for `amended_day` the row of the later version",
            "实际写入的值；`amended_day` 为后一版本的行号",
            True,
            "sensitive",
        ),
        Column(
            "expected",
            "text",
            "",
            "What cleaning should do: drop, change or flag",
            "清洗应做的处理：drop 删除、change 更正、flag 标记",
            True,
        ),
    ),
)

TRUE_SURVEY_ANSWERS = TableSchema(
    name="true_survey_answers",
    grain="submission (resp_id)",
    en="The submissions of a wave before blemishes, answers by code, one column for each question of the questionnaire (`impact.simulate.survey.questionnaire`), and what is wrong with them.",
    zh="每轮答卷在植入单元格缺陷之前的编码答案，问卷每题一列（见 `impact.simulate.survey.questionnaire`），并注明问题所在。",
    files=("truth/survey_wave{wave}.parquet",),
    questions=True,
    columns=(
        Column("resp_id", "text", "", "Submission, numbered by time", "答卷编号，按时间", True),
        Column("wave", "integer", "", "Wave", "轮次", True),
        Column("start_ts", "time", "local time", "Start", "开始时间", True, "quasi"),
        Column("end_ts", "time", "local time", "Submission", "提交时间", True, "quasi"),
        Column("source", "text", "", "Channel", "渠道", True),
        Column("ip", "text", "", "Address; invented", "IP地址；虚构", True, "direct"),
        Column("ip_place", "text", "", "Place of the address", "IP所在地", True, "quasi"),
        Column("account_id", "text", "", "Account", "账户编号", True, "direct"),
        Column("frame_id", "text", "", "Code of the link", "链接编码", True, "direct"),
        Column("duplicate_of", "text", "", "First submission of the same person; missing for most", "同一人的首份答卷；多数缺失"),
        Column("duplicate_exact", "yes_no", "", "Whether every answer is the same as there", "答案是否完全相同", True),
        Column("speeder", "yes_no", "", "Took a tenth to three tenths of the median time", "答题过快", True),
        Column("straight_liner", "yes_no", "", "Ticked one step everywhere", "量表题直线作答", True),
        Column("attention_failed", "yes_no", "", "Missed the attention item", "未通过注意力检测", True),
        Column("screened_out", "yes_no", "", "Did not consent", "未同意参加", True),
        Column("valid", "yes_no", "", "Should be kept", "应保留", True),
    ),
)
