"""What identifies a person when it stands in a text: numbers, addresses, plates, names. May touch: nothing.

Sources: GB 11643-1999 (identity numbers and their check digit), ISO/IEC 7812-1 (Luhn check of card numbers), GA 36-2018 (number plates). Names are found by
what stands before them ("我叫", "联系人") and a list of common surnames: a name that nothing announces is not found.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Literal, get_args

Kind = Literal["id_number", "bank_card", "phone", "email", "ip", "wechat", "plate", "name"]
KINDS: tuple[Kind, ...] = get_args(Kind)

_HALF_WIDTH = {0xFEE0 + code: code for code in range(0x21, 0x7F)} | {0x3000: 0x20}
"""Full-width letters, digits and signs → their ASCII forms, one for one, so that positions stay."""
_PROVINCE = re.compile("1[1-5]|2[1-3]|3[1-7]|4[1-6]|5[0-4]|6[1-5]|71|8[1-3]")
_PLATE = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"
_GLUE = r"[ \-\u2010-\u2015]?"

_SURNAMES = (
    "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧肖程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎闫余潘杜戴夏钟汪田任姜范方石姚谭廖邹熊金陆郝孔白崔康毛邱"
    "秦江史顾侯邵孟龙万段雷钱汤尹黎易常武乔贺赖龚文庞樊兰殷施陶洪翟安颜倪严牛温芦季俞章鲁葛伍韦申尤毕聂丛焦柳邢路岳齐梅莫庄辛管祝左涂谷祁舒耿牟卜詹苗凌费纪靳盛童欧甄曲隋"
)
_COMPOUND = "欧阳|司马|上官|诸葛|东方|皇甫|尉迟|公孙|慕容|令狐|宇文|司徒|夏侯|轩辕|端木"
_NO_NAME = re.compile(
    "高中|高级|高龄|高温|高峰|高速|高档|江苏|江西|安徽|安全|安保|安心|黄岛|黄牛|常年|常常|常客|常州|严重|严格|方便|方面|万分|万一|任何|任务|白班|白天|白领|文盲|文员|文化|马上|马路|金牌|金融|牛马|龙口|武汉"
    "|武警|温州|路人|路过|管理|管事|顾客|钟点|石油|石家|唐山|丁克|毛病|康复|程序|曹县|许多|兰州|苏州|林业|何况|左右|莫非|季节|章丘|韩国|陆续|申请|申诉|辛苦|孔子|史上|单亲|易车|段子|洪灾|施工|费用|纪委|路上"
    "|路口|盛夏|曲阜|谷歌|童工|夏天|秦皇|余下|于是|于今|安装|贾汪|田间|成年|易燃|常驻|周末|周一|周边|金额|钱款|钱少|莫名|毕业|向来|平台|代驾"
)
"""Words that begin like a name."""
_SAID = rf"我叫|名叫|叫做|名字叫?|姓名|联系人|姓[{_SURNAMES}\0]{{1,2}}[,，、 ]?叫"
_FOLLOW = "电话|手机|微信|身份证|号码|工号|联系|住|今年|来自"
_NAME = rf"(?:{_COMPOUND}|[{_SURNAMES}])[\u4e00-\u9fff]{{1,2}}"
_END = r"(?![\u4e00-\u9fff])"
_JOB = "人工员手师客户者族兵"
"""Last characters of jobs and groups: `我是高级工` is no name."""


@dataclass(frozen=True, slots=True)
class Found:
    """One identifier in a text: what it is and where it stands."""

    kind: Kind
    start: int
    end: int


def identifiers(text: str, kinds: tuple[Kind, ...] = KINDS) -> tuple[Found, ...]:
    """Find the identifiers of some kinds in a text, in their order and without overlap; the more certain kind comes first."""
    rest, taken = half_width(text), list[Found]()
    for rule in _RULES:
        if rule.kind in kinds:
            rest = _take(rule, rest, taken)
    return tuple(sorted(taken, key=lambda found: found.start))


def kind_of(value: str) -> Kind | None:
    """Say which identifier a whole value is, a name without anything around it included; None where it is none.

    What a survey platform writes in brackets behind an address, `100.76.84.113(山东-青岛)`, does not count.
    """
    plain = re.sub(r"\s*\(.*\)$|\.0$", "", half_width(value).strip())
    found = identifiers(plain)
    if len(found) == 1 and (found[0].start, found[0].end) == (0, len(plain)):
        return found[0].kind
    return "name" if re.fullmatch(_NAME, plain) and not _NO_NAME.match(plain) else None


def half_width(text: str) -> str:
    """Write full-width letters, digits and signs in ASCII; every character keeps its place."""
    return text.translate(_HALF_WIDTH)


def is_id_number(text: str) -> bool:
    """Say whether 18 characters are an identity number with its check digit, or 15 digits one of the old form."""
    born = text[6:14] if len(text) == 18 else f"19{text[6:12]}"
    if len(text) not in (15, 18) or not _PROVINCE.fullmatch(text[:2]) or not _is_day(born):
        return False
    total = sum(int(digit) * pow(2, 17 - place, 11) for place, digit in enumerate(text[:17]))
    return len(text) == 15 or "10X98765432"[total % 11] == text[17].upper()


def passes_luhn(text: str) -> bool:
    """Say whether digits pass the Luhn check; blanks and hyphens do not count."""
    digits = [int(digit) for digit in reversed(text) if digit.isdigit()]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[1::2]]
    return (sum(digits[0::2]) + sum(doubled)) % 10 == 0


@dataclass(frozen=True, slots=True)
class _Rule:
    """How one kind looks (the group `it`), and what must hold of it besides."""

    kind: Kind
    pattern: re.Pattern[str]
    holds: Callable[[str], bool] = bool


def _take(rule: _Rule, text: str, taken: list[Found]) -> str:
    """Note what a rule finds, and blank it out so that no later rule finds it again."""

    def blank(match: re.Match[str]) -> str:
        if not rule.holds(match["it"]):
            return match[0]
        start, end = match.span("it")
        taken.append(Found(rule.kind, start, end))
        return match[0][: start - match.start()] + "\0" * (end - start) + match[0][end - match.start() :]

    return rule.pattern.sub(blank, text)


def _alone(digits: str) -> re.Pattern[str]:
    """Digits that are no part of a longer number; the `.0` of a number that went through a spreadsheet does not count."""
    return re.compile(rf"(?<!\d)(?<!\d\.)(?P<it>{digits})(?!\d)(?!\.(?!0\b)\d)", re.ASCII)


def _announced(lead: str, it: str) -> re.Pattern[str]:
    return re.compile(rf"(?:{lead})[号码是为:\s]*(?P<it>{it})")


def _is_day(text: str) -> bool:
    try:
        return date(int(text[:4]), int(text[4:6]), int(text[6:])).year >= 1900
    except ValueError:
        return False


def _is_host(text: str) -> bool:
    """An address of a machine: no version number such as 120.0.0.0, no loopback, no mask."""
    parts = [int(part) for part in text.split(".")]
    return all(part <= 255 for part in parts) and parts[0] not in (0, 127, 255) and parts[1:] != [0, 0, 0] and 255 not in parts[:2]


def _is_mailbox(text: str) -> bool:
    """No file name such as `icon@2x.png`, no address that RFC 2606 keeps for examples."""
    domain = text.rpartition("@")[2].lower()
    return not re.search(r"(\.(png|svg|jpe?g|gif|webp|js|css|py|whl|example|invalid|test)|(^|\.)example\.(com|org|net))$", domain)


def _is_name(text: str) -> bool:
    return not _NO_NAME.match(text)


def _is_no_job(text: str) -> bool:
    return _is_name(text) and text[-1] not in _JOB


_RULES: tuple[_Rule, ...] = (
    _Rule("id_number", _alone(r"\d{17}[\dXx]|\d{15}"), is_id_number),
    _Rule("id_number", _announced("身份证", r"\d{17}[\dXx]|\d{15}")),
    _Rule("bank_card", _alone(rf"(?:62|4\d|5[1-5]|9558)(?:{_GLUE}\d){{12,17}}"), passes_luhn),
    _Rule("phone", _alone(rf"(?:(?:\+|00)?86{_GLUE})?1[3-9]\d{_GLUE}(?:\d{{4}}{_GLUE}\d{{4}}|\d{{3}}{_GLUE}\d{{5}})")),
    _Rule("phone", _alone(r"0\d{2,3}-[2-9]\d{6,7}")),
    _Rule("email", re.compile(r"(?<![\w.%+-])(?P<it>[\w.%+-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.)+[A-Za-z]{2,24})", re.ASCII), _is_mailbox),
    _Rule("ip", re.compile(r"(?<![\w.])(?P<it>\d{1,3}(?:\.\d{1,3}){3})(?![\w.]*\d)", re.ASCII), _is_host),
    _Rule("wechat", re.compile(r"(?P<it>wxid_[0-9a-z]{6,})", re.ASCII)),
    _Rule("wechat", _announced("微信|[Vv]信|QQ|qq", r"(?a:[A-Za-z][\w-]{5,19}|[1-9]\d{4,10})")),
    _Rule(
        "plate",
        re.compile(
            rf"(?P<it>[{_PLATE}][A-HJ-NP-Z][ ·.\-]?(?=[A-Z]*\d)(?a:[A-HJ-NP-Z\d]{{5,6}}|[A-HJ-NP-Z\d]{{4}}[挂学警港澳]))(?![A-Z\d])"
        ),
    ),
    _Rule("name", _announced("我姓|免贵姓", rf"(?:{_NAME}|[{_SURNAMES}]){_END}|[{_SURNAMES}]")),
    _Rule("name", _announced(_SAID, rf"{_NAME}(?:{_END}|(?={_FOLLOW}|的|是|在|请|想|跑|开|做|送))")),
    _Rule("name", _announced(_SAID, _NAME), _is_name),
    _Rule("name", _announced("我是|本人", rf"{_NAME}(?:{_END}|(?={_FOLLOW}))"), _is_no_job),
)
