"""What a delivery of raw exports holds, and which of its workers a study compares. May touch: nothing.

A delivery is written once, in a file of its own or in the study, and read by every study that asks something of it.
"""

from __future__ import annotations

from datetime import date
from pathlib import PurePosixPath
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Discriminator, Field, Tag, model_validator

from impact.errors import nearest
from impact.schema.delivered import DELIVERED
from impact.study.parts import Part

Delivered = Literal["account", "worker_month", "worker_day", "eligibility", "city_month"]
"""Tables that a platform, an employer or a statistical office delivers; data/README.md says what each column means."""
Key = Literal["platform", "city", "firm", "bargaining_unit", "eligible"]
"""What workers can be grouped by."""


def _below(pattern: str) -> str:
    """Refuse a pattern that leaves the folder of the delivery."""
    path = PurePosixPath(pattern)
    if path.is_absolute() or ".." in path.parts or not path.parts:
        raise ValueError("write a path below the folder of the delivery; `*` stands for any name, `**` for any folders")
    if any("**" in part and part != "**" for part in path.parts):
        raise ValueError("`**` stands for whole folders and needs slashes around it, such as `platform/**/RH*`; within a name write `*`")
    return pattern


Pattern = Annotated[str, AfterValidator(_below)]


class DatabaseTable(Part):
    """A table of a database in the place of files: a DuckDB file, PostgreSQL or Spark."""

    connection: str = Field(pattern=r"^[A-Z][A-Z0-9_]*$")
    """Environment variable that holds the address, such as `postgres://user:password@host:5432/database`; the address itself belongs in no file."""
    table: str = Field(min_length=1)
    """Name of the table."""
    namespace: str | None = None
    """Schema of the database that the table is in, where it is not the usual one."""


def _file_or_table(value: Any) -> Literal["file", "database"]:
    return "file" if isinstance(value, str) else "database"


Place = Annotated[Annotated[Pattern, Tag("file")] | Annotated[DatabaseTable, Tag("database")], Discriminator(_file_or_table)]
"""Where rows of a table are: files below the folder, or a table of a database."""


class Declared(Part):
    """Something that is known about whole files, and that no program should guess: said by a person, applied and counted."""

    files: Pattern
    """Which files; `*` stands for any name."""
    says: Literal["money in fen", "times in UTC", "dates also as %d/%m/%Y", "dates also as %m/%d/%Y"]
    """What is known about them."""
    reason: str = Field(min_length=1)
    """How it is known."""
    who: str = Field(min_length=1)
    """Who says so."""
    when: date
    """On which day it was said."""


class SurveyFiles(Part):
    """One wave of a survey: the two exports, by text and by option number, and whom it was issued to."""

    text: Pattern
    """Export by text."""
    number: Pattern | None = None
    """Export by option number; with it, answers are codes and not words."""
    frame: Pattern | None = None
    """To whom it was issued: stratum, design_weight and the code of the link."""
    margins: Pattern | None = None
    """Active workers by the margins that weights are raked to."""
    codebook: Pattern | None = None
    """Codebook of the questionnaire, below the folder; the project's own questionnaire where left out."""


class Delivery(Part):
    """Raw exports as they arrived: which file is which table, what its columns are called, and what is known to be wrong with it."""

    world: str | None = Field(default=None, pattern=r"^[^\s].*\.ya?ml$")
    """Synthetic data only: the world file, relative to this one; the folder is that world's `raw/`, and `impact run` builds it on first use."""
    folder: str | None = None
    """Folder of the exports, relative to the data root (`data/`, or `--data DIR`, or IMPACT_DATA)."""
    tables: dict[Delivered, tuple[Place, ...]] = Field(default_factory=dict)
    """Where each table is: patterns of files below the folder, tables of databases, or both."""
    survey: dict[int, SurveyFiles] = Field(default_factory=dict)
    """Waves of the survey, by number."""
    registry: Pattern | None = None
    """Folder of the registry that the agreements stand in, below the folder."""
    mapping: dict[str, str] = Field(default_factory=dict)
    """Column as received → column of the schema, where a file calls it neither by its name nor by its heading."""
    declared: tuple[Declared, ...] = ()
    """What is known about whole files."""
    corrections: Pattern | None = None
    """Table of corrections, a CSV file below the folder: `table, id, column, old, new, reason, who, when`."""
    key_id: str | None = None
    """Id of the key with which identifiers in the files are already hashed; without it, columns of hashes are refused."""
    citation: str = Field(min_length=1)
    """Where the data come from."""

    @model_validator(mode="after")
    def _somewhere(self) -> Delivery:
        if (self.world is None) == (self.folder is None):
            raise ValueError("name either `folder` (real exports) or `world` (a synthetic world)")
        known = {column.name for table in DELIVERED.values() for column in table.columns}
        for received, name in self.mapping.items():
            if name not in known:
                raise ValueError(
                    f"`mapping` calls `{received}` by `{name}`, which no table has. {nearest(name, known) or 'data/README.md lists the columns.'}"
                )
        if not self.tables and not self.survey:
            raise ValueError("name the files of at least one table in `tables`, or a wave in `survey`")
        return self

    def files_of(self, table: Delivered) -> tuple[str, ...]:
        """Give the patterns of a table's files."""
        return tuple(place for place in self.tables.get(table, ()) if isinstance(place, str))

    def databases_of(self, table: Delivered) -> tuple[DatabaseTable, ...]:
        """Give the tables of databases that rows of a table come from."""
        return tuple(place for place in self.tables.get(table, ()) if isinstance(place, DatabaseTable))

    @property
    def place(self) -> str:
        """Folder of the exports, relative to the data root."""
        return self.folder or f"{self.home}/raw"

    @property
    def home(self) -> str:
        """Folder of the synthetic world, relative to the data root."""
        return f"worlds/{PurePosixPath(self.world or '').stem}"


class Sample(Part):
    """Which workers of a delivery are compared, and at which level an agreement covers them."""

    only: tuple[Pattern, ...] = ("**",)
    """Files of the delivery that matter here, such as `platform/**/RH*`; the others are not read."""
    groups: tuple[str, ...] = ()
    """Bargaining units or platforms that count, with `*` for any letters; all where left out."""
    unit: tuple[Key, ...] = Field(min_length=1)
    """What makes a unit: workers who share all of these."""
    cluster: tuple[Key, ...] = Field(min_length=1)
    """Level at which errors may move together: where the agreement was decided."""
    covered_by: Literal["platform", "bargaining_unit"]
    """What an agreement on record names."""
    covered: Literal["all", "eligible"] = "all"
    """Whether everybody there is covered, or only those whom the clause of eligibility names."""
    prices: str | None = Field(default=None, pattern=r"^\d{4}-(0[1-9]|1[0-2])$")
    """Month in whose prices real terms are meant, such as 2025-02; without it, pay is in the yuan of its month."""
    yardstick: str | None = None
    """Synthetic worlds only: table of `clean/` that an ideal cleaning would leave; scenarios and tests read it."""


class DeliverySource(Part):
    """Worker-months made from raw exports: cleaned with an audit, pseudonymised, joined to the agreements on record."""

    delivery: Delivery
    """The delivery, or the path of the file that describes it, relative to the study."""
    sample: Sample
    """Which workers are compared."""

    @property
    def citation(self) -> str:
        """Where the data come from."""
        return self.delivery.citation
