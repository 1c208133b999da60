"""What platforms and employers export of their accounts: who they are, what they did in a month and on a day. May touch: nothing."""

from __future__ import annotations

from dataclasses import replace

from impact.schema.ranges import OF_A_DAY, OF_A_MONTH, OF_AN_ACCOUNT, bounded
from impact.schema.table import Column, TableSchema

_ACCOUNT = Column("account_id", "text", "", "Account, as its platform numbers it", "账户编号（平台自编）", True, "direct")
_CITY = Column("city_id", "text", "", "City, as in `raw_city`", "城市编号，见 `raw_city`", True, "quasi")


def _of_an_account(*columns: Column) -> tuple[Column, ...]:
    return tuple(bounded(column, OF_AN_ACCOUNT) for column in columns)


RAW_ACCOUNT = TableSchema(
    name="raw_account",
    grain="account",
    en="Every account that a platform ever had, as it stands on the last day of the world.",
    zh="平台曾有的每个账户一行，为世界最后一日的状态。",
    files=("raw/platform/account/{platform}.parquet",),
    columns=_of_an_account(
        _ACCOUNT,
        Column("name", "text", "", "Name of the holder; invented", "姓名；虚构", True, "direct"),
        Column("phone", "text", "", "Phone number, 199 and eight digits; invented", "手机号，199开头；虚构", True, "direct"),
        Column("platform_id", "text", "", "Platform, as in `raw_platform`", "平台编号，见 `raw_platform`", True),
        _CITY,
        Column("reg_date", "date", "day", "Day of registration", "注册日期", True, "quasi"),
        Column(
            "first_trip_date",
            "date",
            "day",
            "Day of the first order; missing where there never was one",
            "首单日期；从未接单者缺失",
            False,
            "quasi",
        ),
        Column("sex", "text", "", "男 or 女", "性别：男、女", True, "quasi"),
        Column("birth_year", "integer", "year", "Year of birth", "出生年份", True, "quasi"),
        Column("veteran", "yes_no", "", "Veteran, by the records", "是否退役军人（按档案）", True, "sensitive"),
        Column("disability_grade", "integer", "grade", "Grade of disability; 0 for none", "残疾等级；0为无", True, "sensitive"),
        Column("chronic_illness", "yes_no", "", "Chronic illness, by the records", "是否有慢性病（按档案）", True, "sensitive"),
        Column(
            "eligibility_source",
            "text",
            "",
            "Where eligibility for the waiver is on record; empty for those who are not eligible",
            "免佣资格的依据；不符合条件者为空",
            True,
            "sensitive",
        ),
        Column(
            "device_id",
            "text",
            "",
            "Device of the registration; few devices for many accounts look bought",
            "注册设备；多账户共用设备似为批量注册",
            True,
            "direct",
        ),
        Column("status", "text", "", "open, closed, or purged", "账户状态：open 正常、closed 已注销、purged 已清理", True),
        Column(
            "closed_date",
            "date",
            "day",
            "Day of closure, always the 15th; missing for open accounts",
            "关闭日期，均为15日；未关闭者缺失",
            False,
            "quasi",
        ),
        Column(
            "hardship_score",
            "number",
            "points",
            "Score that decides on the waiver",
            "决定免佣的困难评分",
            True,
            "sensitive",
            only_with="hardship_score",
        ),
    ),
)

_MONTH_KEY = Column("ym", "text", "month", "Month, such as 2025-03", "月份，如 2025-03", True, heading="月份")
_FIRM = Column("firm_id", "text", "", "Firm that employs the worker", "用工企业编号", True, "quasi", heading="企业编号")
_UNIT = Column("unit_id", "text", "", "Bargaining unit that the firm belongs to", "企业所属的协商单元", True, "quasi", heading="协商单元")

_BEFORE_MONTH = replace(_ACCOUNT, heading="司机编号")
_AT = replace(_CITY, heading="城市编号")
_WORK: tuple[Column, ...] = (
    Column("active_days", "integer", "days", "Days with an order", "出工天数", True, heading="出工天数"),
    Column(
        "online_h", "number", "hours", "Hours online: p1_h + p2_h + p3_h", "在线时长：p1_h + p2_h + p3_h", True, heading="在线时长（小时）"
    ),
    Column("p1_h", "number", "hours", "Hours waiting for an order", "等单时长", True, heading="等单时长（小时）"),
    Column("p2_h", "number", "hours", "Hours on the way to the pick-up", "接驾（取件）时长", True, heading="接驾时长（小时）"),
    Column("p3_h", "number", "hours", "Hours with a passenger, parcel or load", "服务时长", True, heading="服务时长（小时）"),
    Column("orders", "integer", "orders", "Orders finished", "完单量", True, heading="完单量"),
)
_MONEY: tuple[Column, ...] = (
    Column("gross", "number", "yuan", "What customers paid", "流水：乘客或货主支付的金额", True, "quasi", "流水（元）", "流水金额（元）"),
    Column("take", "number", "yuan", "Commission that the platform kept", "抽成", True, "quasi", heading="抽成（元）"),
    Column("incentive", "number", "yuan", "Bonuses and top-ups to a pay floor", "奖励及最低报酬补足", True, "quasi", heading="奖励（元）"),
    Column(
        "waiver_refund",
        "number",
        "yuan",
        "Commission paid back under a waiver; above zero gives eligibility away",
        "免佣返还；大于零即可推知符合条件",
        True,
        "sensitive",
        heading="免佣返还（元）",
    ),
    Column("penalty", "number", "yuan", "Fines", "罚款", True, "quasi", heading="罚款（元）"),
    Column(
        "receipts",
        "number",
        "yuan",
        "gross − take + incentive + waiver_refund − penalty",
        "到手收入：流水 − 抽成 + 奖励 + 免佣返还 − 罚款",
        True,
        "quasi",
        heading="到手收入（元）",
    ),
    Column(
        "cost_est",
        "number",
        "yuan",
        "Energy, rent and other costs, as the platform estimates them",
        "平台估计的能耗、租金等成本",
        True,
        "quasi",
        "成本估计（元）",
    ),
    Column(
        "net_est", "number", "yuan", "receipts − cost_est", "净收入估计：到手收入 − 成本估计", True, "quasi", heading="净收入估计（元）"
    ),
)
_REST: tuple[Column, ...] = (
    Column("complaints", "integer", "", "Complaints of the month", "当月投诉数", True, heading="投诉数"),
    Column("rating", "number", "stars", "Mean rating, 4.6 to 5.0; missing without work", "平均评分，4.6至5.0；未出工缺失", heading="评分"),
    Column(
        "status_end",
        "text",
        "",
        "active, inactive (no work), closed or purged; in CSV 正常, 未出工, 已注销, 已清理",
        "月末状态：active 正常、inactive 未出工、closed 已注销、purged 已清理（CSV中为中文）",
        True,
        heading="月末状态",
    ),
    Column(
        "first_active_date",
        "date",
        "day",
        "First day with an order; missing without work; in CSV 2025/03/07",
        "当月首个出工日；未出工缺失；CSV中写作2025/03/07",
        False,
        "quasi",
        heading="最早出工日",
    ),
    Column(
        "last_active_date",
        "date",
        "day",
        "Last day with an order; missing without work; in CSV 2025/03/07, where whole files go wrong 07/03/2025",
        "当月最后出工日；未出工缺失；CSV中写作2025/03/07，出错的文件中写作07/03/2025",
        False,
        "quasi",
        heading="最后出工日",
    ),
    Column(
        "other_platform_flag",
        "yes_no",
        "",
        "Whether the person has a second platform; the same in every month",
        "是否多平台接单；各月相同",
        True,
        heading="是否多平台",
    ),
)
_MONTH: tuple[Column, ...] = tuple(bounded(column, OF_A_MONTH) for column in (_BEFORE_MONTH, _AT, *_WORK, *_MONEY, *_REST))
_RENAMED_GROSS = "gross_fare"


def _in_parquet(column: Column) -> Column:
    return replace(column, heading="", renamed=_RENAMED_GROSS if column.renamed else "")


RAW_WORKER_MONTH = TableSchema(
    name="raw_worker_month",
    grain="account × month",
    en="Every account on the books in a month, with zeros for those without work. The month is in the folder's name. Ride-hail, courier and delivery platforms.",
    zh="当月在册的每个账户一行，未出工者为零。月份见文件夹名。网约车、快递、网约配送平台。",
    files=("raw/platform/worker_month/ym={month}/{platform}.parquet",),
    columns=tuple(_in_parquet(column) for column in _MONTH),
)

RAW_WORKER_MONTH_CSV = TableSchema(
    name="raw_worker_month_csv",
    grain="account × month",
    en="The same with Chinese headings, as freight platforms export it: GB18030 first, UTF-8 with a byte-order mark once the software was renewed.",
    zh="货运平台导出的同一内容，表头为中文：先为GB18030编码，软件更新后为带BOM的UTF-8。",
    files=("raw/platform/csv/{platform}_{month}.csv",),
    columns=(_BEFORE_MONTH, _MONTH_KEY, *_MONTH[1:]),
)

RAW_ACCOUNT_LOCAL = replace(
    RAW_ACCOUNT,
    name="raw_account_local",
    en="The same for the workers of the home city's bargaining units, as their employers keep it, with firm and unit. They have no account of their own at a platform.",
    zh="本市各协商单元劳动者的同一内容，由用工企业保存，另有企业与协商单元。他们在平台没有自己的账户。",
    files=("raw/platform/account/QINGDAO-{industry}.parquet",),
    columns=(*RAW_ACCOUNT.columns[:5], replace(_FIRM, heading=""), replace(_UNIT, heading=""), *RAW_ACCOUNT.columns[5:]),
)

RAW_ELIGIBILITY = TableSchema(
    name="raw_eligibility",
    grain="account",
    en="Whom the waiver clause of a platform's agreement names, when that was verified, and what it brought until the last day of the world.",
    zh="平台协议免佣条款所列的人员、核验日期，以及截至世界最后一日的受益金额。",
    files=("raw/platform/eligibility/{platform}.csv",),
    columns=_of_an_account(
        _ACCOUNT,
        Column(
            "clause_id",
            "text",
            "",
            "Clause, as in `raw/registry/clauses.yaml`",
            "条款编号，见 `raw/registry/clauses.yaml`",
            True,
            "sensitive",
        ),
        Column(
            "eligible_pre",
            "integer",
            "",
            "1 where it was verified before the agreement's talks were offered, by records; 0 otherwise",
            "在要约之前已按档案核验者为1，否则为0",
            True,
            "sensitive",
        ),
        Column("source", "text", "", "登记档案 (records) or 本人申报 (declared)", "来源：登记档案或本人申报", True),
        Column("verified_date", "date", "day", "Day of verification", "核验日期", True, "quasi"),
        Column(
            "benefit_start",
            "date",
            "day",
            "First day of the waiver; missing where it was never used",
            "免佣起始日；未享受者缺失",
            False,
            "quasi",
        ),
        Column(
            "benefit_yuan",
            "number",
            "yuan",
            "Commission paid back until the last day of the world",
            "截至世界最后一日返还的抽成",
            True,
            "sensitive",
        ),
    ),
)

RAW_WORKER_MONTH_LOCAL = TableSchema(
    name="raw_worker_month_local",
    grain="account × month",
    en="The same of the workers of the home city's bargaining units, industry by industry, with firm and unit. Who they are stands in `raw_account_local`.",
    zh="本市各协商单元劳动者的同一内容，按行业分文件，另有企业与协商单元。人员信息见 `raw_account_local`。",
    files=("raw/platform/csv/QINGDAO-{industry}_{month}.csv",),
    columns=(_BEFORE_MONTH, _MONTH_KEY, _AT, _FIRM, _UNIT, *_MONTH[2:]),
)

_OF_THE_DAY = {"gross", "take", "incentive", "penalty", "cost_est"}


def _of_a_day(*columns: Column) -> tuple[Column, ...]:
    return tuple(bounded(column, OF_A_DAY) for column in columns)


RAW_WORKER_DAY = TableSchema(
    name="raw_worker_day",
    grain="account × day, the planted repeats apart",
    en="Every day with an order; hours and yuan add up to the month's to the hundredth. Ride-hail and delivery platforms.",
    zh="每个出工日一行；小时与金额合计与当月一致（精确到百分位）。网约车、网约配送平台。",
    files=("raw/platform/worker_day/ym={month}/{platform}.parquet",),
    columns=_of_a_day(
        _ACCOUNT,
        Column("date", "date", "day", "Day, local; in UTC on one platform", "日期（本地时间；一家平台为UTC）", True, "quasi"),
        _CITY,
        *(replace(column, heading="") for column in (_WORK[5], *_WORK[1:5])),
        *(replace(column, heading="", renamed="") for column in _MONEY if column.name in _OF_THE_DAY),
        Column(
            "receipts",
            "number",
            "yuan",
            "gross − take + incentive − penalty: refunds are paid by the month and stand there",
            "流水 − 抽成 + 奖励 − 罚款；免佣返还按月支付，见月表",
            True,
            "quasi",
        ),
        Column(
            "first_order_at",
            "time",
            "local time",
            "Time of the first order; in UTC on one platform",
            "首单时间（一家平台为UTC）",
            True,
            "quasi",
        ),
        Column(
            "last_order_at",
            "time",
            "local time",
            "Time of the last order; in UTC on one platform",
            "末单时间（一家平台为UTC）",
            True,
            "quasi",
        ),
        Column(
            "updated_at",
            "time",
            "local time",
            "When the row was written; the later of two versions is valid",
            "该行写入时间；两版中以后者为准",
            True,
        ),
    ),
)
