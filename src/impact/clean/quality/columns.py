"""Columns of a table: what is missing, constant, out of any range, rounded, or the name of a person. May touch: the engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from impact.clean.audit import Finding
from impact.clean.privacy import is_direct
from impact.errors import listing
from impact.text import Text

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pandas as pd

MISSING_JUMP = 0.2
"""Share by which a month may have more missing values than the middle month."""
EMPTY, HELD = 0.95, 0.5
"""A column counts as empty in a file from this share of missing values on, where half of the files have less than the second."""
_FEW = 30
"""A median of fewer rows says nothing."""
_LOOKED_AT = 1000
"""Values of a column that are looked at to tell whether they name persons."""
FAR, ROUND = 20.0, 0.5
"""Times the 99th percentile beyond which the largest value is far off; share of multiples of a hundred from which amounts are called rounded."""


@dataclass(frozen=True, slots=True)
class Complete:
    """How complete one column is."""

    column: str
    rows: int
    missing: int
    worst: str
    """Month (or file) with the largest share of missing values; empty where nothing is missing."""
    worst_share: float

    @property
    def share(self) -> float:
        """Share of rows without a value."""
        return self.missing / self.rows if self.rows else 0.0

    def as_dict(self) -> dict[str, Any]:
        """Give plain values, for JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Plausible:
    """Between what the median of a quantity lies in any export in its unit; far apart on purpose."""

    name: Text
    least: float
    most: float
    unit: Text
    else_: Text
    """What a median outside may mean."""


def missing_by(table: ir.Table, columns: Sequence[str], by: str) -> pd.DataFrame:
    """Count rows and missing values by month or file: index `by`, columns `rows` and those asked for."""
    names = list(dict.fromkeys(name for name in columns if name != by))
    counts = {f"missing_{place}": table[name].isnull().sum() for place, name in enumerate(names)}
    found: pd.DataFrame = table.group_by(by).aggregate(rows=table.count(), **counts).order_by(by).to_pandas().set_index(by)
    return found.rename(columns={f"missing_{place}": name for place, name in enumerate(names)})


def completeness(counted: pd.DataFrame, written: Mapping[Any, str]) -> tuple[Complete, ...]:
    """Sum up what `missing_by` counted, one line for each column; `written` is how a month or file is called."""
    found = []
    for name in counted.columns.drop("rows"):
        shares = counted[name] / counted["rows"]
        missing = int(counted[name].sum())
        worst = written.get(shares.idxmax(), str(shares.idxmax())) if missing else ""
        found.append(Complete(str(name), int(counted["rows"].sum()), missing, worst, float(shares.max()) if missing else 0.0))
    return tuple(found)


def missing_in_months(counted: pd.DataFrame, written: Mapping[Any, str], where: str) -> list[Finding]:
    """Find columns with many more missing values in some months than in the middle month."""
    enough = counted[counted["rows"] >= _FEW]
    found = []
    for name in enough.columns.drop("rows"):
        shares = enough[name] / enough["rows"]
        odd = shares[shares > shares.median() + MISSING_JUMP]
        if len(odd):
            months = [written.get(month, str(month)) for month in odd.index]
            found.append(
                _missing(str(name), months, where, float(odd.max()), float(shares.median()), int(enough.loc[odd.index, name].sum()))
            )
    return found


def empty_in_files(counted: pd.DataFrame, where: str) -> list[Finding]:
    """Find columns that are empty in some files and filled in most."""
    enough = counted[counted["rows"] >= _FEW]
    found = []
    for name in enough.columns.drop("rows"):
        shares = enough[name] / enough["rows"]
        files = [str(file) for file in shares.index[shares >= EMPTY]]
        if files and shares.median() < HELD:
            found.append(_empty(str(name), files, where))
    return found


def constant_columns(table: ir.Table, columns: Sequence[str], where: str) -> list[Finding]:
    """Find columns in which every row says the same; a column that says it in some rows only is none."""
    held = {f"values_{place}": table[name].nunique() for place, name in enumerate(columns)}
    held |= {f"missing_{place}": table[name].isnull().sum() for place, name in enumerate(columns)}
    found = table.aggregate(rows=table.count(), **held).to_pyarrow().to_pylist()[0]
    same = [name for place, name in enumerate(columns) if found[f"values_{place}"] == 1 and not found[f"missing_{place}"]]
    if not same or found["rows"] < 2:
        return []
    return [
        Finding(
            "constant_column",
            "note",
            where,
            0,
            Text(f"the same value in every row: {listing(same, 6)}", f"所有行取值相同的列：{listing(same, 6)}"),
            Text("see whether the export was filtered by it", "核实导出时是否按该列做过筛选"),
        )
    ]


def naming_columns(table: ir.Table, columns: Sequence[str], where: str) -> list[Finding]:
    """Find columns of text that hold names, numbers or addresses of persons."""
    found = []
    for name in columns:
        if not table[name].type().is_string():
            continue
        values = table.select(value_=table[name]).distinct().limit(_LOOKED_AT).to_pyarrow()["value_"].to_pylist()
        kind = is_direct(values)
        if kind:
            found.append(_naming(name, _KINDS[kind], where))
    return found


def implausible(table: ir.Table, column: str, plausible: Plausible, where: str) -> list[Finding]:
    """Hold the median of the positive values of a column against what it can be in its unit."""
    given = table.filter(table[column] > 0)
    found = given.aggregate(rows=given.count(), median=given[column].median()).to_pyarrow().to_pylist()[0]
    if found["rows"] < _FEW or plausible.least <= found["median"] <= plausible.most:
        return []
    words, unit = plausible.name, plausible.unit
    return [
        Finding(
            "implausible_median",
            "warning",
            where,
            int(found["rows"]),
            Text(
                f"column `{column}`: half of the values lie below {found['median']:,.2f}, not plausible for {words.en} in {unit.en}",
                f"列“{column}”：中位数为{found['median']:,.2f}，对于以{unit.zh}计的{words.zh}不合常理",
            ),
            plausible.else_,
        )
    ]


def far_values(table: ir.Table, column: str, where: str) -> list[Finding]:
    """Find a largest value far beyond nearly all others, and amounts that are mostly rounded to hundreds."""
    values = table.filter(table[column] > 0)[column]
    table = table.filter(table[column] > 0)
    rounded = (values % 100 == 0).sum()
    counted = table.aggregate(rows=table.count(), most=values.max(), usual=values.quantile(0.99), rounded=rounded)
    found = counted.to_pyarrow().to_pylist()[0]
    if found["rows"] < 10 * _FEW:
        return []
    odd = [_far(column, found["most"], found["usual"], where)] if found["most"] > FAR * found["usual"] else []
    return odd + ([_rounded(column, found["rounded"] / found["rows"], where)] if found["rounded"] > ROUND * found["rows"] else [])


def _missing(name: str, months: list[str], where: str, most: float, usual: float, rows: int) -> Finding:
    return Finding(
        "missing_in_months",
        "warning",
        where,
        rows,
        Text(
            f"column `{name}` is missing in up to {most:.0%} of the rows in {listing(months, 4)}, and usually in {usual:.0%}",
            f"列“{name}”在{listing(months, 4)}最多有{most:.0%}的行缺失，通常为{usual:.0%}",
        ),
        Text(
            "ask why; a change at the month of coverage may be no more than who is still seen",
            "核实原因；若恰在受覆盖的月份变化，“效应”可能只反映谁仍被观测到",
        ),
    )


def _empty(name: str, files: list[str], where: str) -> Finding:
    return Finding(
        "column_empty_in_files",
        "warning",
        where,
        len(files),
        Text(
            f"column `{name}` is empty in {len(files)} files and filled in most: {listing(files, 3)}",
            f"列“{name}”在{len(files)}个文件中为空，而多数文件有值：{listing(files, 3)}",
        ),
        Text("ask for the values; rows without them do not count for this column", "请补充；缺少该值的行不计入此项"),
    )


def _naming(name: str, kind: Text, where: str) -> Finding:
    return Finding(
        "names_persons",
        "warning",
        where,
        0,
        Text(f"column `{name}` looks like {kind.en}", f"列“{name}”似为{kind.zh}"),
        Text(
            "nothing here is made of it: have it left out of the export, and delete copies of the file that nobody needs",
            "本流程不使用该列：请在导出时去掉，并删除无人需要的文件副本",
        ),
    )


def _far(name: str, most: float, usual: float, where: str) -> Finding:
    return Finding(
        "far_value",
        "warning",
        where,
        1,
        Text(
            f"column `{name}`: the largest value is {most / usual:,.0f} times that which 99 in 100 rows do not pass",
            f"列“{name}”：最大值为第99百分位数的{most / usual:,.0f}倍",
        ),
        Text("look at the row in the source; one such value can make a mean", "请核对原始记录；一个这样的值就足以左右均值"),
    )


def _rounded(name: str, share: float, where: str) -> Finding:
    return Finding(
        "rounded_amounts",
        "note",
        where,
        0,
        Text(f"column `{name}`: {share:.0%} of the amounts are multiples of 100", f"列“{name}”：{share:.0%}的金额为100的整数倍"),
        Text("amounts that people remember; small differences are rounding", "多为凭记忆填报；较小的差异只是取整所致"),
    )


_KINDS: dict[str, Text] = {
    "phone": Text("phone numbers", "电话号码"),
    "id_number": Text("identity numbers", "身份证号"),
    "bank_card": Text("bank cards", "银行卡号"),
    "email": Text("e-mail addresses", "电子邮箱"),
    "ip": Text("IP addresses", "IP地址"),
    "wechat": Text("accounts of social media", "社交账号"),
    "plate": Text("number plates", "车牌号"),
    "name": Text("names of persons", "人名"),
}
