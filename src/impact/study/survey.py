"""What a study asks of one wave of its survey. May touch: nothing."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Annotated

from pydantic import Field, model_validator

from impact.errors import listing
from impact.schema.questionnaire import Codebook
from impact.study.delivery import Pattern
from impact.study.parts import Bilingual, Part

Short = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
"""Name of a number in tables."""
Named = Annotated[str, Field(min_length=1)]
"""Name of a field of the codebook, or of an agreement."""


class SurveyNumber(Part):
    """Something that is asked of the answers, and what it is called."""

    name: Short
    title: Bilingual


class SurveyAnswer(SurveyNumber):
    """A number that rests on one question."""

    field: Named
    """Field of the codebook."""


class SurveyShare(SurveyAnswer):
    """Share of workers who give one of some answers."""

    codes: tuple[int, ...] = Field(min_length=1)
    """Codes of the answers that count."""


class SurveyMean(SurveyAnswer):
    """Mean of a number; of an income, answers that cleaning flags are left out."""

    unit: Bilingual
    """Unit of measurement, in words."""


class SurveyScale(SurveyNumber):
    """Several items that are meant to measure one thing."""

    fields: tuple[Named, ...] = Field(min_length=2)
    """Fields of the codebook; those that it calls reversed are turned."""


class Representatives(Part):
    """Who was elected to bargain, and by what ranks they stand out."""

    file: Pattern
    """Table below the folder of the delivery: one row per representative, `agreement_id`, columns of ranks, perhaps `city_id`."""
    agreement: Named
    """Agreement whose representatives are meant."""
    ranks: dict[Short, Bilingual] = Field(min_length=1)
    """Column of a percentile rank among the workforce, 0 to 100 → what it ranks by."""


class SurveyPart(Part):
    """One wave: whom it was issued to, what weights are raked to, and which numbers are asked for."""

    wave: int
    """Number of the wave in the delivery."""
    population: Bilingual
    """Whom the wave was drawn from, in words: the numbers speak of these workers and of nobody else."""
    margins: tuple[Short, ...] = Field(min_length=1)
    """Columns that the issued list and the counts of active workers share: non-response is modelled and weights are raked by them."""
    trim: float = Field(default=5.0, gt=1)
    """Largest weight, as a multiple of the median."""
    classes: int = Field(default=5, ge=2, le=20)
    """Classes by the chance to answer, within which those who answered stand for those who did not."""
    shares: tuple[SurveyShare, ...] = ()
    means: tuple[SurveyMean, ...] = ()
    scales: tuple[SurveyScale, ...] = ()
    by: Short | None = None
    """Margin by which the numbers are printed as well."""
    representatives: Representatives | None = None

    @model_validator(mode="after")
    def _hangs_together(self) -> SurveyPart:
        names = [one.name for one in self.numbers]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice:
            raise ValueError(f"the name `{twice}` is given to two numbers")
        if not names:
            raise ValueError("ask for at least one of `shares`, `means` or `scales`")
        if len(set(self.margins)) < len(self.margins):
            raise ValueError("`margins` names a column twice")
        if self.by is not None and self.by not in self.margins:
            raise ValueError(f"`by: {self.by}` is not among `margins`: {', '.join(self.margins)}")
        return self

    @property
    def answers(self) -> tuple[SurveyAnswer, ...]:
        """Everything that rests on one question: shares, then means."""
        return (*self.shares, *self.means)

    @property
    def numbers(self) -> tuple[SurveyNumber, ...]:
        """Everything that is asked for."""
        return (*self.answers, *self.scales)

    @property
    def fields(self) -> tuple[str, ...]:
        """Every field of the codebook that is asked for, once each."""
        named = [*(one.field for one in self.answers), *(name for scale in self.scales for name in scale.fields)]
        return tuple(dict.fromkeys(named))


def misfit(part: SurveyPart, codebook: Codebook) -> str:
    """Say what the codebook does not have of what is asked, with the nearest spelling; empty where everything fits."""
    unknown = [name for name in part.fields if name not in codebook.fields]
    if unknown:
        close = get_close_matches(unknown[0], codebook.fields, n=1)
        hint = f"; the nearest spelling is `{close[0]}`" if close else ""
        return f"`survey` asks for `{unknown[0]}`, which is no field of the codebook{hint}"
    found = (_share_misfit(share, codebook) for share in part.shares)
    numbers = (
        f"`survey: means` asks for `{mean.field}`, which is no number" for mean in part.means if _kind(codebook, mean.field) != "number"
    )
    scales = (_scale_misfit(scale, codebook) for scale in part.scales)
    return next((sentence for sentence in (*found, *numbers, *scales) if sentence), "")


def _kind(codebook: Codebook, field: str) -> str:
    return codebook.by_field[field].kind


def _share_misfit(share: SurveyShare, codebook: Codebook) -> str:
    if _kind(codebook, share.field) not in ("single", "likert"):
        return f"`survey: shares` asks for `{share.field}`, which is no question with one answer of several"
    known = [option.code for option in codebook.by_field[share.field].options]
    strange = [code for code in share.codes if code not in known]
    return f"`survey: shares`: `{share.field}` has no answer {strange[0]}; it has {listing(known, 12)}" if strange else ""


def _scale_misfit(scale: SurveyScale, codebook: Codebook) -> str:
    steps = {tuple(option.code for option in codebook.by_field[name].options) for name in scale.fields}
    if any(_kind(codebook, name) != "likert" for name in scale.fields) or len(steps) > 1:
        return f"`survey: scales`: the items of `{scale.name}` are not all answered on the same steps"
    return ""
