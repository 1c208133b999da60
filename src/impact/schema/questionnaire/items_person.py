"""Questions 1 to 20: consent, and who the respondent is. May touch: nothing."""

from __future__ import annotations

from impact.schema.questionnaire.item import YES_NO, Asked, Item, choices
from impact.text import Text

_AGREE = {1: ("同意", "I agree"), 0: ("不同意", "I do not agree")}
_WILLING = (Asked("sens_consent", (1,)),)

PERSON: tuple[Item, ...] = (
    Item(
        "consent",
        1,
        Text(
            zh="我已阅读调查说明，知道可以随时退出，同意参加本次调查",
            en="I have read the information, know that I may stop at any time, and agree to take part",
        ),
        "single",
        choices(_AGREE),
    ),
    Item(
        "link_consent",
        2,
        Text(
            zh="您是否同意将本问卷与平台记录的接单、收入数据关联（仅用于研究）？",
            en="May this questionnaire be linked with platform records?",
        ),
        "single",
        choices(_AGREE),
    ),
    Item(
        "sens_consent",
        3,
        Text(zh="您是否同意回答有关退役、残疾和健康状况的问题？", en="Do you agree to answer questions on service, disability and health?"),
        "single",
        choices(_AGREE),
    ),
    Item(
        "mode",
        4,
        Text(zh="本问卷的填写方式", en="How this questionnaire is filled in"),
        "single",
        choices({1: ("扫码自填", "QR code"), 2: ("面访", "Face to face"), 3: ("电话访问", "Telephone")}),
    ),
    Item(
        "industry",
        5,
        Text(zh="您目前主要从事的行业", en="Your main industry"),
        "single",
        choices({1: ("网约车", "Ride-hailing"), 2: ("货运", "Freight"), 3: ("快递", "Courier"), 4: ("网约配送", "Delivery")}),
        sensitivity="quasi",
    ),
    Item(
        "platform_main",
        6,
        Text(
            zh="最近30天您接单最多的平台（请按平台代码表填写，如RH01）",
            en="Platform of most of your orders in the last 30 days, by its code",
        ),
        "text",
        sensitivity="quasi",
    ),
    Item("platforms_n", 7, Text(zh="最近30天您一共在几个平台接过单？", en="Number of platforms in the last 30 days"), "number", least=1),
    Item(
        "work_form",
        8,
        Text(zh="您与平台或用工企业是什么关系？", en="Your relation to the platform or employer"),
        "single",
        choices(
            {
                1: ("签了劳动合同", "Labour contract"),
                2: ("签了劳务或合作协议", "Service or cooperation agreement"),
                3: ("众包，自己注册接单", "Crowd work, registered by myself"),
                4: ("外包公司或加盟网点", "Outsourcing firm or franchise"),
                9: ("不清楚", "Do not know"),
            }
        ),
    ),
    Item("sex", 9, Text(zh="您的性别", en="Sex"), "single", choices({1: ("男", "Male"), 2: ("女", "Female")}), sensitivity="quasi"),
    Item("birth_year", 10, Text(zh="您的出生年份", en="Year of birth"), "number", sensitivity="quasi", unit="year", least=1930, most=2012),
    Item(
        "educ",
        11,
        Text(zh="您的最高学历", en="Highest education"),
        "single",
        choices(
            {
                1: ("初中及以下", "Lower secondary or less"),
                2: ("高中", "Upper secondary"),
                3: ("中专或技校", "Vocational school"),
                4: ("大专", "Vocational college"),
                5: ("本科及以上", "University"),
            }
        ),
        sensitivity="quasi",
    ),
    Item(
        "hukou",
        12,
        Text(zh="您的户籍", en="Household registration"),
        "single",
        choices({1: ("本市", "This city"), 2: ("外地城镇", "Elsewhere, urban"), 3: ("外地农村", "Elsewhere, rural")}),
        sensitivity="quasi",
    ),
    Item(
        "marital",
        13,
        Text(zh="您的婚姻状况", en="Marital status"),
        "single",
        choices({1: ("未婚", "Never married"), 2: ("已婚", "Married"), 3: ("离异或丧偶", "Divorced or widowed")}),
        sensitivity="quasi",
    ),
    Item("kids_n", 14, Text(zh="您有几个未成年子女？", en="Number of children under 18"), "number", sensitivity="quasi", least=0, most=15),
    Item(
        "vet",
        15,
        Text(zh="您是否为退役军人？", en="Are you a veteran?"),
        "single",
        choices(YES_NO),
        asked_if=_WILLING,
        sensitivity="sensitive",
    ),
    Item(
        "disab_grade",
        16,
        Text(zh="您是否持有残疾证？等级是", en="Disability certificate, grade"),
        "single",
        choices(
            {
                0: ("没有", "None"),
                1: ("一级", "Grade 1"),
                2: ("二级", "Grade 2"),
                3: ("三级", "Grade 3"),
                4: ("四级", "Grade 4"),
            }
        ),
        asked_if=_WILLING,
        sensitivity="sensitive",
    ),
    Item(
        "chronic",
        17,
        Text(zh="您是否有需要长期治疗的慢性病？", en="Do you have a chronic illness?"),
        "single",
        choices(YES_NO),
        asked_if=_WILLING,
        sensitivity="sensitive",
    ),
    Item("start_ym", 18, Text(zh="您从哪年哪月开始从事这一行？", en="Year and month in which you began this work"), "month"),
    Item(
        "prior_job",
        19,
        Text(zh="从事这一行之前，您主要做什么？", en="Main work before"),
        "single",
        choices(
            {
                1: ("工厂工人", "Factory"),
                2: ("建筑或装修", "Construction"),
                3: ("餐饮、零售等服务业", "Services"),
                4: ("个体经营", "Own business"),
                5: ("务农", "Farming"),
                6: ("上学或没有工作", "Study or no work"),
                7: ("其他", "Other"),
            },
            fill_in=7,
        ),
    ),
    Item(
        "fulltime",
        20,
        Text(zh="您是专职还是兼职？", en="Full or part time"),
        "single",
        choices({1: ("专职", "Full time"), 0: ("兼职", "Part time")}),
    ),
)
