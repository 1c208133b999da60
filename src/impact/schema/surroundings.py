"""What is received beside the platforms' exports: context, the log of bargaining, the survey. May touch: nothing."""

from __future__ import annotations

from impact.schema.table import Column, TableSchema

RAW_PLATFORM = TableSchema(
    name="raw_platform",
    grain="platform",
    en="The platforms of the world.",
    zh="世界中的各平台。",
    files=("raw/context/platform.csv",),
    columns=(
        Column("platform_id", "text", "", "Platform", "平台编号", True),
        Column("name_zh", "text", "", "Name in Chinese", "中文名称", True),
        Column("name_en", "text", "", "Name in English", "英文名称", True),
        Column("industry", "text", "", "ride_hail, freight, courier or delivery", "行业：网约车、货运、快递、网约配送", True),
        Column("hq_city", "text", "", "City of the headquarters", "总部所在城市编号", True),
        Column(
            "size_band",
            "text",
            "",
            "large from 200,000 accounts, middle from 50,000, small",
            "规模：large 20万账户起、middle 5万起、small",
            True,
        ),
        Column("union_founded_date", "date", "day", "Day on which its union was founded; drawn", "工会成立日期；随机生成", True),
        Column(
            "listed_occupational_injury",
            "yes_no",
            "",
            "On the list of the occupational-injury scheme of 2025-07",
            "是否列入2025年7月职业伤害保障名单",
            True,
        ),
    ),
)

RAW_CITY = TableSchema(
    name="raw_city",
    grain="city",
    en="The cities of the world, the home city first.",
    zh="世界中的各城市，首行为本市。",
    files=("raw/context/city.csv",),
    columns=(
        Column("city_id", "text", "", "City", "城市编号", True),
        Column("name_zh", "text", "", "Name in Chinese", "中文名称", True),
        Column("name_en", "text", "", "Name in English", "英文名称", True),
        Column("tier", "text", "", "一线, 新一线, or 二线及以下", "城市等级：一线、新一线、二线及以下", True),
        Column("province", "text", "", "Province", "省份", True),
        Column("core_flag", "yes_no", "", "On the core list, which was fixed beforehand", "是否属于事前确定的核心城市名单", True),
        Column("core_flag_set_on", "date", "day", "Day on which the core list was fixed", "核心城市名单确定日期", True),
        Column("population", "integer", "people", "Population; drawn around the tier's level", "人口；按城市等级随机生成", True),
    ),
)

RAW_CITY_MONTH = TableSchema(
    name="raw_city_month",
    grain="city × month",
    en="What moves in a city from month to month. Only the minimum wage has to do with anything else in the world.",
    zh="各城市逐月变化的情况。其中只有最低工资与世界中的其他数据相关。",
    files=("raw/context/city_month.csv",),
    columns=(
        Column("city_id", "text", "", "City", "城市编号", True),
        Column("ym", "text", "month", "Month, such as 2025-03", "月份，如 2025-03", True),
        Column("cpi", "number", "first month = 100", "Consumer prices", "居民消费价格指数", True),
        Column("fuel_index", "number", "first month = 100", "Fuel prices", "燃料价格指数", True),
        Column("min_wage_month_yuan", "number", "yuan a month", "Monthly minimum wage", "月最低工资", True),
        Column("min_wage_hour_yuan", "number", "yuan an hour", "The same over 174 hours", "月最低工资除以174小时", True),
        Column("unemployment", "number", "per cent", "Unemployment rate", "失业率", True),
        Column("temperature", "number", "°C", "Mean temperature", "平均气温", True),
        Column("holiday_days", "integer", "days", "Public holidays", "法定节假日天数", True),
    ),
)

RAW_REPRESENTATIVES = TableSchema(
    name="raw_representatives",
    grain="agreement × representative",
    en="The workers' representatives of network-wide agreements, without a name: by what they were chosen.",
    zh="全网协议的劳动者代表（不含姓名）及其推选依据。",
    files=("raw/process/representatives.csv",),
    columns=(
        Column("agreement_id", "text", "", "Agreement", "协议编号", True),
        Column("rep_id", "text", "", "Number of the representative", "代表编号", True),
        Column("city_id", "text", "", "City, as in `raw_city`", "城市编号，见 `raw_city`", True, "quasi"),
        Column(
            "orders_rank",
            "number",
            "per cent",
            "Share of the platform's workers with fewer orders",
            "完单量超过的劳动者比例（百分比）",
            True,
            "quasi",
        ),
        Column(
            "rating_rank",
            "number",
            "per cent",
            "Share of the platform's workers with a lower rating",
            "评分超过的劳动者比例（百分比）",
            True,
            "quasi",
        ),
        Column(
            "complaints_rank",
            "number",
            "per cent",
            "Share of the platform's workers with more complaints",
            "投诉更多的劳动者比例（百分比）",
            True,
            "quasi",
        ),
    ),
)

RAW_BARGAINING_LOG = TableSchema(
    name="raw_bargaining_log",
    grain="contact (log_id)",
    en="What bargaining instructors write down: visits, offers, answers, talks, signings, supervision.",
    zh="集体协商指导员的工作记录：走访、要约、应约、会议、审议、签订、履约监督。",
    files=("raw/process/bargaining_log.csv",),
    columns=(
        Column("log_id", "text", "", "Number of the line", "记录编号", True),
        Column("date", "date", "day", "Day of the contact", "日期", True),
        Column("platform_id", "text", "", "Platform, or the one that the unit works for", "平台编号（或单元所服务的平台）", True),
        Column("unit", "text", "", "Bargaining unit; missing for a network-wide agreement", "协商单元；全网协议缺失"),
        Column("district", "text", "", "District of the instructor, or 市级专班", "区市，或市级专班", True),
        Column("agreement_id", "text", "", "Agreement that came of it; missing where none did", "最终达成的协议；未达成者缺失"),
        Column("instructor_id", "text", "", "Instructor", "指导员编号", True, "direct"),
        Column("kind", "text", "", "调研走访, 发出要约, 应约, 协商会议, 职工代表审议, 签订 or 履约监督", "事项类别（七类）", True),
        Column(
            "round",
            "integer",
            "",
            "Round of talks, 0 for the choice of representatives; missing outside talks",
            "协商轮次，0为推选代表；非协商缺失",
        ),
        Column("topic", "text", "", "Subject of the talks; missing outside talks", "协商议题；非协商缺失"),
        Column("participants", "integer", "people", "People present", "参加人数", True),
        Column("note", "text", "", "Remark", "备注", True),
    ),
)

_STRATA: tuple[Column, ...] = (
    Column("industry", "text", "", "ride_hail, freight, courier or delivery", "行业", True, "quasi"),
    Column(
        "platform_group", "text", "", "giant: the industry's largest platform; other", "giant 为行业最大平台；other 其他", True, "quasi"
    ),
    Column("tenure_band", "text", "months", "<3, 3-12, 12-36 or 36+ months since the first order", "自首单起的月数分组", True, "quasi"),
    Column("intensity", "text", "", "full or part time", "full 专职、part 兼职", True, "quasi"),
    Column("sex", "text", "", "男 or 女", "性别：男、女", True, "quasi"),
    Column("age_band", "text", "years", "<30, 30-39, 40-49 or 50+", "年龄分组", True, "quasi"),
)

RAW_SURVEY_FRAME = TableSchema(
    name="raw_survey_frame",
    grain="questionnaire issued (frame_id)",
    en="To whom a questionnaire was issued in a wave; everybody works in the home city.",
    zh="每轮问卷的发放对象；均在本市从业。",
    files=("raw/survey/wave{wave}_frame.csv",),
    columns=(
        Column(
            "frame_id",
            "text",
            "",
            "Code of the link that was sent; stands in 来源详情 of the answers",
            "问卷链接编码，对应答卷的“来源详情”",
            True,
            "direct",
        ),
        Column("account_id", "text", "", "Account, as its platform numbers it", "账户编号", True, "direct"),
        Column("name", "text", "", "Name", "姓名", True, "direct"),
        Column("phone", "text", "", "Phone number", "手机号", True, "direct"),
        Column("platform_id", "text", "", "Platform", "平台编号", True, "quasi"),
        Column("unit", "text", "", "Bargaining unit; missing for others", "协商单元；其他人缺失", False, "quasi"),
        Column("district", "text", "", "District of the unit; missing for others", "单元所在区市；其他人缺失", False, "quasi"),
        Column("stratum", "text", "", "industry|tenure_band|intensity", "分层：行业|在职时长|专兼职", True, "quasi"),
        *_STRATA,
        Column(
            "design_weight", "number", "workers", "Workers of the stratum for each questionnaire", "设计权数：层内人数除以发放份数", True
        ),
    ),
)

RAW_SURVEY_MARGINS = TableSchema(
    name="raw_survey_margins",
    grain="industry × platform_group × tenure_band × intensity × sex × age_band",
    en="How many workers of the frame there are in each cell: what weights are raked to. Cells may be small.",
    zh="抽样框各单元格的人数，用于加权校准。单元格可能很小。",
    files=("raw/survey/wave{wave}_margins.csv",),
    columns=(*_STRATA, Column("workers", "integer", "people", "Workers in the cell", "单元格人数", True, "quasi")),
)

RAW_SURVEY_ANSWERS = TableSchema(
    name="raw_survey_answers",
    grain="submission (序号)",
    en="Answers as 问卷星 exports them: these six columns, then the questions under their Chinese words, by text or by option number. Every cell but 序号 is text.",
    zh="问卷星导出的答卷：先为以下六列，其后为各题（按文本或按选项序号）。除序号外均为文本。",
    files=("raw/survey/wave{wave}_{flavour}.xlsx", "raw/survey/wave{wave}_{flavour}_gb18030.csv"),
    questions=True,
    columns=(
        Column("序号", "integer", "", "Number of the submission, by time", "答卷序号，按时间", True),
        Column("提交答卷时间", "text", "local time", "When it was submitted, such as 2024/10/9 7:05:03", "提交时间", True, "quasi"),
        Column("所用时间", "text", "seconds", "Time taken, such as 540秒", "答题用时", True),
        Column("来源", "text", "", "Channel: 微信, 手机提交 or 链接", "渠道", True),
        Column("来源详情", "text", "", "Code of the link, sojumpparm=W1-0001", "链接编码", True, "direct"),
        Column("来自IP", "text", "", "Address and place; invented, from 100.64.0.0/10", "IP地址与地区；虚构", True, "direct"),
    ),
)
