"""What messages say: in English, and in three parts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest


def english(words: object) -> str:
    """Give the English of words that may stand in both languages."""
    return str(getattr(words, "en", words))


def assert_three_parts(message: str, wrong: str, found: str, advice: str) -> None:
    """Demand that the first line says what is wrong, the lines between what was found, and the last what to do."""
    lines = message.split("\n")
    assert len(lines) >= 3 and lines[0].strip() and lines[-1].strip()
    assert wrong in lines[0]
    assert found in "\n".join(lines[1:-1])
    assert advice in lines[-1]


@contextmanager
def complains(kind: type[Exception], wrong: str, found: str, advice: str) -> Iterator[None]:
    """Expect an error whose three parts hold these words."""
    with pytest.raises(kind) as caught:
        yield
    assert_three_parts(str(caught.value), wrong, found, advice)
