"""Worker-months as small platforms and employers export them: CSV with Chinese headings, one file a month. May touch: nothing.

Half-way through the world the heading of gross changes and the encoding turns from GB18030 to UTF-8 with a byte-order mark: the vendor's software was renewed.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from impact.simulate.ledger import ledger
from impact.simulate.platform_defects import Piece
from impact.simulate.streams import stream

HEADINGS = {
    "account_id": "司机编号",
    "ym": "月份",
    "city_id": "城市编号",
    "firm_id": "企业编号",
    "unit_id": "协商单元",
    "active_days": "出工天数",
    "online_h": "在线时长（小时）",
    "p1_h": "等单时长（小时）",
    "p2_h": "接驾时长（小时）",
    "p3_h": "服务时长（小时）",
    "orders": "完单量",
    "gross": "流水（元）",
    "take": "抽成（元）",
    "incentive": "奖励（元）",
    "waiver_refund": "免佣返还（元）",
    "penalty": "罚款（元）",
    "receipts": "到手收入（元）",
    "cost_est": "成本估计（元）",
    "net_est": "净收入估计（元）",
    "complaints": "投诉数",
    "rating": "评分",
    "status_end": "月末状态",
    "first_active_date": "最早出工日",
    "last_active_date": "最后出工日",
    "other_platform_flag": "是否多平台",
}
NEW_GROSS = "流水金额（元）"
_STATUS = {"active": "正常", "inactive": "未出工", "closed": "已注销", "purged": "已清理"}


def in_chinese(piece: Piece, file: str, above: int, renewed: bool, mixed_dates: bool, seed: int) -> Piece:
    """Write a piece with the headings of its time; with `mixed_dates`, some dates day first, each in the ledger."""
    table, dates = _dates(piece.table, file, above, mixed_dates, seed)
    table = table.set_column(
        table.column_names.index("first_active_date"), "first_active_date", pc.strftime(table["first_active_date"], format="%Y/%m/%d")
    )
    status = pc.cast(table["status_end"], pa.string())
    for english, chinese in _STATUS.items():
        status = pc.if_else(pc.equal(status, english), chinese, status)
    table = table.set_column(table.column_names.index("status_end"), "status_end", status)
    named = {**HEADINGS, "gross": NEW_GROSS} if renewed else HEADINGS
    lines = pd.concat([piece.ledger, dates], ignore_index=True)
    lines["column"] = lines["column"].map(lambda column: named.get(column, column))
    return Piece(table.rename_columns([named[name] for name in table.column_names]), lines)


def encoding(renewed: bool) -> str:
    """Give the encoding of the files before and after the renewal."""
    return "utf-8-sig" if renewed else "gb18030"


def _dates(table: pa.Table, file: str, above: int, mixed_dates: bool, seed: int) -> tuple[pa.Table, pd.DataFrame]:
    """Write dates year first; in a mixed file, day first where the month could be a day as well."""
    dates = table["last_active_date"]
    written = pc.strftime(dates, format="%Y/%m/%d")
    swapped = np.zeros(len(table), dtype=bool)
    if mixed_dates:
        known = pc.is_valid(dates).to_numpy(zero_copy_only=False)
        swapped = known & (stream(seed, "mixed dates", file, above).random(len(table)) < 0.4)
        written = pc.if_else(pa.array(swapped), pc.strftime(dates, format="%d/%m/%Y"), written)
    rows = np.nonzero(swapped)[0]
    names = [str(name) for name in table["account_id"].take(pa.array(rows)).to_pylist()]
    before = pc.strftime(dates, format="%Y-%m-%d").take(pa.array(rows)).to_pylist()
    after = written.take(pa.array(rows)).to_pylist()
    lines = ledger("day_first_date", file, rows + above + 1, names, "last_active_date", before, after, "change")
    return table.set_column(table.column_names.index("last_active_date"), "last_active_date", written), lines
