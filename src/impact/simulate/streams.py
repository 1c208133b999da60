"""Random numbers by name: the same seed and names give the same numbers, whatever else is simulated, in whatever order. May touch: nothing."""

from __future__ import annotations

from zlib import crc32

import numpy as np
from numpy.typing import NDArray


def stream(seed: int, *names: str | int) -> np.random.Generator:
    """Open the stream of random numbers that belongs to a seed and some names."""
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, *(crc32(str(name).encode()) for name in names)])))


def uniform(keys: NDArray[np.uint64], salt: int) -> NDArray[np.float64]:
    """Turn whole numbers into random-looking ones between 0 and 1, each by itself."""
    return np.asarray((mixed(keys, salt) >> np.uint64(11)).astype(float) / 2.0**53)


def mixed(keys: NDArray[np.uint64], salt: int) -> NDArray[np.uint64]:
    """Turn whole numbers into random-looking ones, each by itself (splitmix64, Steele and others 2014, doi:10.1145/2660193.2660195)."""
    if keys.dtype != np.uint64:  # numpy makes floats of signed and unsigned numbers together, which are no longer distinct
        raise TypeError(f"mixed: keys must be unsigned 64-bit whole numbers, found {keys.dtype}")
    with np.errstate(over="ignore"):
        mixing = keys + np.uint64((salt * 0x9E3779B97F4A7C15) & 0xFFFFFFFFFFFFFFFF)
        mixing ^= mixing >> np.uint64(30)
        mixing *= np.uint64(0xBF58476D1CE4E5B9)
        mixing ^= mixing >> np.uint64(27)
        mixing *= np.uint64(0x94D049BB133111EB)
        mixing ^= mixing >> np.uint64(31)
    return mixing
