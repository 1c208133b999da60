"""Files that grow piece by piece: Parquet and CSV, each with its count of rows. May touch: the disk, below its folder."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

import pyarrow as pa
from pyarrow import csv, parquet

STAMP = {b"synthetic": "SYNTHETIC / 合成数据".encode()}
"""What every Parquet file of a world says of itself."""
_GB18030 = "gb18030"


@dataclass(slots=True)
class Partition:
    """Open files below a folder."""

    folder: Path
    _writers: dict[str, parquet.ParquetWriter] = field(default_factory=dict)
    _rows: dict[str, int] = field(default_factory=dict)

    def __enter__(self) -> Partition:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.finish("")

    def finish(self, prefix: str) -> None:
        """Finish the Parquet files whose path begins so; nothing can be added to them any more."""
        for file in [name for name in self._writers if name.startswith(prefix)]:
            self._writers.pop(file).close()

    def rows(self, file: str) -> int:
        """Count the rows that a file holds so far."""
        return self._rows.get(file, 0)

    def write(self, file: str, table: pa.Table) -> None:
        """Write a piece at the end of a Parquet file."""
        plain = table.replace_schema_metadata(STAMP)
        if file not in self._writers:
            self._writers[file] = parquet.ParquetWriter(self._path(file), plain.schema, compression="zstd", compression_level=1)
        self._writers[file].write_table(plain)
        self._rows[file] = self.rows(file) + table.num_rows

    def write_csv(self, file: str, table: pa.Table, encoding: str) -> None:
        """Write a piece at the end of a CSV file."""
        begins = self.rows(file) == 0
        with self._path(file).open("wb" if begins else "ab") as stream:
            stream.write(csv_bytes(table, encoding, begins))
        self._rows[file] = self.rows(file) + table.num_rows

    def _path(self, file: str) -> Path:
        path = self.folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        return path


def csv_bytes(table: pa.Table, encoding: str, header: bool = True) -> bytes:
    """Write a table as CSV in an encoding; a byte-order mark stands at the head of `utf-8-sig`."""
    sink = pa.BufferOutputStream()
    plain = pa.table({name: _plain(column) for name, column in zip(table.column_names, table.columns, strict=True)})
    csv.write_csv(plain, sink, csv.WriteOptions(include_header=header, quoting_style="none", quoting_header="none"))
    content: bytes = sink.getvalue().to_pybytes()
    if encoding == _GB18030:
        return content.decode("utf-8").encode(_GB18030)
    return b"\xef\xbb\xbf" + content if header and encoding == "utf-8-sig" else content


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return column.cast(pa.string()) if pa.types.is_dictionary(column.type) else column
