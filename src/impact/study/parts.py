"""What every part of a document is made of: studies, deliveries, worlds, registries. May touch: nothing."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

_SLUG = re.compile(r"^[a-z][a-z0-9-]*$")
_FOLD = re.compile(r"(?<=[\u3000-\u303f\u4e00-\u9fff\uff00-\uffef]) (?=[\u3000-\u303f\u4e00-\u9fff\uff00-\uffef])")


def _slug(value: str) -> str:
    if not _SLUG.match(value):
        raise ValueError("use small letters, digits and hyphens, starting with a letter")
    return value


Slug = Annotated[str, AfterValidator(_slug)]


class Part(BaseModel):
    """A part of a document: unknown keys are refused, nothing is changed once read."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


def _without_folds(value: str) -> str:
    """Take out the blanks that YAML puts where a folded line of Chinese breaks."""
    return _FOLD.sub("", value)


class Bilingual(Part):
    """The same words in both languages."""

    en: str = Field(min_length=1)
    zh: Annotated[str, AfterValidator(_without_folds)] = Field(min_length=1)
