"""Sums over pairs of months, made safe. May touch: nothing.

What worker-level errors need of a pair of months is how the workers seen in both move together. Released are the counts of those workers, rounded, and the
products of their deviations from the cell means; the sums of one month by presence in the other are replaced by the count times the cell mean. Those sums
less the cells would be the outcome of the few who left. With m the released means, the matrix is L·diag(C, N)·Lᵀ with L = [[I, m], [0, I]], and so positive
semidefinite where C (products) and N (presence) are.
"""

from __future__ import annotations

import numpy as np

from impact.moments.disclose.draws import labels, normals, rounded, uniforms
from impact.moments.disclose.groups import Groups, drawn_weight, ratio
from impact.moments.disclose.rules import Rules
from impact.moments.moments import Floats


def safe_pairs(
    gram: Floats,
    counts: Floats,
    before: Groups,
    after: Groups,
    uniform: Floats,
    heads: tuple[Floats, Floats],
    names: list[str],
    rules: Rules,
    key: bytes,
) -> Floats:
    """Make the sums of each unit (or pattern) safe; shape (places, 2M + 1, 2M + 1).

    `counts` are the workers seen in both months where the pair may be released, zero elsewhere, shape (places, M, M); `before` and `after` the cells as they
    were and as they are released, zero where they are not, with their draws `uniform`, shape (places, M, 4); `heads` the workers before and after.
    """
    months = counts.shape[1]
    inside = (after.n > 0)[:, :, None] & (after.n > 0)[:, None, :] & (counts >= rules.threshold)
    counts = np.where(inside, counts, 0.0)
    products = _products(gram, before, uniform, inside, rules)
    target = ratio(after.variance, before.variance) * ratio(after.n, before.n) * _diagonal(products[0])
    scale = np.sqrt(ratio(target, _diagonal(products[1])))
    safe = projected(np.where(inside, products[1] * scale[:, :, None] * scale[:, None, :], 0.0))
    presence = _presence(gram, counts, after, heads, _rounding(counts, names, rules, key))
    move = np.zeros((len(gram), 2 * months + 1, 2 * months + 1))
    move[:] = np.eye(2 * months + 1)
    at = np.arange(months)
    move[:, at, months + at] = after.mean
    joined = np.zeros_like(move)
    joined[:, :months, :months], joined[:, months:, months:] = safe, projected(presence)
    return np.asarray(move @ joined @ move.transpose(0, 2, 1))


def projected(matrices: Floats) -> Floats:
    """Give the nearest positive semidefinite matrices by dropping negative eigenvalues, with the diagonals as they were.

    An entry that is withheld enters as zero: workers seen in both months are then taken to move apart, which makes the error of a change larger, not smaller.
    """
    values, vectors = np.linalg.eigh(matrices)
    clipped = (vectors * np.maximum(values, 0.0)[:, None, :]) @ vectors.transpose(0, 2, 1)
    scale = np.sqrt(ratio(_diagonal(matrices), _diagonal(clipped)))
    mended = clipped * scale[:, :, None] * scale[:, None, :]
    sound = values[:, 0] >= -1e-9 * np.maximum(values[:, -1], 0.0)
    return np.where(sound[:, None, None], matrices, mended)


def _products(gram: Floats, before: Groups, uniform: Floats, inside: np.ndarray, rules: Rules) -> tuple[Floats, Floats]:
    """Sum the products of deviations from the cell means; without and with the drawn worker."""
    months, mean = before.n.shape[1], before.mean
    value, cross, weight = gram[:, :months, :months], gram[:, :months, months:-1], gram[:, months:-1, months:-1]
    shift = mean[:, None, :] * cross
    plain = value - shift - shift.transpose(0, 2, 1) + mean[:, :, None] * mean[:, None, :] * weight
    plain = np.where(inside, plain, 0.0)
    drawn = drawn_weight(before, uniform, rules) * np.sqrt(before.variance) * normals(uniform[..., 1])
    return plain, plain + np.where(inside, drawn[:, :, None] * drawn[:, None, :], 0.0)


def _presence(gram: Floats, counts: Floats, after: Groups, heads: tuple[Floats, Floats], safe: Floats) -> Floats:
    """Scale the sums of weights to rounded counts; the last row and column belong to the mean weight."""
    months = counts.shape[1]
    weight = gram[:, months:, months:].copy()
    workers, rounded_workers = heads
    level = np.sqrt(ratio(after.w2, _diagonal(weight)[:, :months] * ratio(after.n, np.maximum(_diagonal(counts), 1.0))))
    level = np.where(after.n > 0, level, 0.0)
    weight[:, :months, :months] *= ratio(safe, counts) * level[:, :, None] * level[:, None, :]
    at = np.arange(months)
    weight[:, at, at] = after.w2
    edge = weight[:, :months, months] * ratio(after.n, _diagonal(counts)) * level
    weight[:, :months, months], weight[:, months, :months] = edge, edge
    weight[:, months, months] *= ratio(rounded_workers, workers)
    return weight


def _rounding(counts: Floats, names: list[str], rules: Rules, key: bytes) -> Floats:
    """Round the counts of pairs, both halves alike."""
    safe = np.zeros_like(counts)
    place, row, column = np.nonzero(np.triu(counts))
    values = counts[place, row, column]
    heads = np.asarray(names, dtype=object)[place]
    draws = uniforms(key, labels(["pair"] * len(place), heads, row, column, values))
    safe[place, row, column] = safe[place, column, row] = rounded(values, rules.base, draws[:, 0], rules.threshold)
    return safe


def _diagonal(matrices: Floats) -> Floats:
    return np.asarray(np.diagonal(matrices, axis1=1, axis2=2))
