"""How a study asks for another inference than the number of clusters chooses. May touch: nothing."""

from __future__ import annotations

from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, BeforeValidator

from impact.errors import nearest
from impact.study.parts import Bilingual, Part

InferenceMethod = Literal["cr1", "cr2", "cr3", "multiplier", "wild", "permutation", "conley_taber", "ferman_pinto"]
METHODS: tuple[str, ...] = get_args(InferenceMethod)
"""Ways to infer that a study may name; a test holds them against those that exist."""


def _known(value: Any) -> Any:
    if value in METHODS:
        return value
    near = nearest(str(value), METHODS)
    hint = f" ({near[:1].lower()}{near[1:]})" if near else ""
    raise ValueError(f"it is no method{hint}; known are {', '.join(METHODS)}")


def _said(words: Bilingual) -> Bilingual:
    if not (words.en.strip() and words.zh.strip()):
        raise ValueError("say why, in both languages: it is printed with the result")
    return words


class AskedInference(Part):
    """Another inference than the number of clusters chooses, and why."""

    method: Annotated[InferenceMethod, BeforeValidator(_known)]
    """`cr1` and `cr2`: errors by cluster with a small-sample correction; `multiplier` and `wild`: bootstraps; `permutation`: agreements go to other clusters; `conley_taber` and `ferman_pinto`: the spread of the never covered stands for that of the covered."""
    reason: Annotated[Bilingual, AfterValidator(_said)]
    """Why the method by number does not fit here; printed with the result. What was set aside is printed beside it, and the verdict goes by that."""
