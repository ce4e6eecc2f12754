"""Asynchronous successive halving: who is not among the best third goes.

Li et al. 2020, *A System for Massively Parallel Hyperparameter Tuning*, arXiv:1810.05934.  As
optuna's `SuccessiveHalvingPruner`, but a function of what the journal says: to ask again, after a
kill, gives the same answer.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

FACTOR = 3


def rungs(least: int, most: int) -> tuple[int, ...]:
    """The epochs at whose ends trials are judged: least, 3 · least, …, while much is left."""
    found = []
    epoch = least
    while epoch <= most / 2:
        found.append(epoch)
        epoch *= FACTOR
    return tuple(found)


def may_go_on(score: float, others: Sequence[float]) -> bool:
    """Whether a score, smaller is better, is in the best third of all that were seen there."""
    if math.isnan(score):
        return False
    known = sorted([score, *(other for other in others if not math.isnan(other))])
    return score <= known[max(1, len(known) // FACTOR) - 1]
