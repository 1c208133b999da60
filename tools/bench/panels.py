"""Write the panels that everybody is timed on, in a process of its own: `python panels.py KIND WORKERS MONTHS PATH`. May touch: the path.

Made by hashes of the worker and the month alone, so that every run has the same rows. Clusters are unequal, workers enter and leave, effects differ.
"""

from __future__ import annotations

import sys

import duckdb

CITIES = 250
KINDS = {
    "balanced": "true",
    "spells": "m BETWEEN entry AND leave",
    "gaps": "m BETWEEN entry AND leave AND (h & 1023) >= 51",
}
"""Everybody in every month; one spell a worker, three in five from the start; the same with one row in twenty missing at random."""

PANEL = """
COPY (
  WITH draws AS (SELECT w, hash(w) AS h FROM range({workers}) a(w)),
  worker AS (
    SELECT w, floor({cities} * pow((h & 65535) / 65536.0, 1.6))::INTEGER AS city,
           CASE WHEN (h >> 16) & 255 < 154 THEN 1 ELSE 1 + ((h >> 24) & 4095) % {months} END AS entry,
           1 + floor(-25 * ln((1 + ((h >> 36) & 8191)) / 8193.0))::INTEGER AS stay,
           300.0 * (((h >> 49) & 127) / 37.0 - 1.72) AS own
    FROM draws),
  spell AS (SELECT *, entry + stay AS leave, CASE WHEN city % 5 = 0 THEN 0 ELSE 8 + 4 * (city % 7) END AS first_covered FROM worker),
  row AS (SELECT *, hash(w * 128 + m) AS h FROM spell, range(1, {months} + 1) b(m))
  SELECT w::INTEGER AS worker, city, m::INTEGER AS month, first_covered::INTEGER AS first_covered,
         round(3000 + own + 40 * m + 25 * ((city * 37 + m * 11) % 13) + 25.0 * (((h >> 10) & 63) + ((h >> 16) & 63) + ((h >> 22) & 63) - 94.5)
               + CASE WHEN first_covered > 0 AND m >= first_covered THEN 200 + 5 * (m - first_covered) ELSE 0 END, 2)::DOUBLE AS income
  FROM row WHERE {kept}
) TO '{path}' (FORMAT parquet)
"""

DAYS = """
COPY (
  SELECT w::INTEGER AS worker, (DATE '2023-01-01' + d::INTEGER) AS day, (20.0 + (hash(w * 2048 + d) & 255)) AS income
  FROM range({workers}) a(w), range({days}) b(d) WHERE (hash(w + 2048 * d) & 7) < 5
) TO '{path}' (FORMAT parquet)
"""
"""Worker-days: five days in eight, in no rhythm."""


def main(kind: str, workers: str, length: str, path: str) -> None:
    """Write one panel of `length` months, or of days where `kind` is `days`."""
    if kind == "days":
        duckdb.sql(DAYS.format(workers=workers, days=length, path=path))
    else:
        duckdb.sql(PANEL.format(workers=workers, months=length, path=path, kept=KINDS[kind].replace("(h &", "(row.h &"), cities=CITIES))


if __name__ == "__main__":
    main(*sys.argv[1:])
