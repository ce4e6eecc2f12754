"""Regularise: penalties on large weights as part of the gradient, and a limit on their length."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from nntrain.blocks import BLOCK, blocks
from nntrain.config.experiment import Regularization
from nntrain.families import Segment
from nntrain.store import Store
from nntrain.team import ALONE, Team


def make_penalty(
    store: Store, segments: Sequence[Segment], settings: Regularization
) -> Callable[[], None]:
    """`add()`: the gradient of λ₁ Σ |w| + ½ λ₂ Σ w² over those of the segments that decay."""
    l1, l2 = settings.l1, settings.l2
    if not (l1 or l2):
        return lambda: None
    room = np.empty_like(store.theta[:BLOCK])
    pieces = [
        (store.theta[part], store.grad[part], room[: part.stop - part.start])
        for segment in segments
        for part in blocks(segment.part)
        if segment.decays
    ]

    def add() -> None:
        for w, g, work in pieces:
            if l2:
                np.multiply(w, l2, out=work)
                np.add(g, work, out=g)
            if l1:
                np.sign(w, out=work)
                np.multiply(work, l1, out=work)
                np.add(g, work, out=g)

    return add


def make_limit(store: Store, settings: Regularization, team: Team = ALONE) -> Callable[[], None]:
    """`shorten()`: each unit's vector of incoming weights is at most `max_norm` long."""
    if settings.max_norm is None:
        return lambda: None
    longest = settings.max_norm
    matrices = [W.reshape(-1, W.shape[-1]) for W in store.matrices()]

    def shorten() -> None:
        team.meet()  # a matrix may lie in the parts of several processes
        for W in () if team.rank and team.one_memory else matrices:
            lengths = np.sqrt(np.einsum("io,io->o", W, W))
            if lengths.max() > longest:
                np.maximum(lengths, longest, out=lengths)
                np.multiply(W, longest / lengths, out=W)
        team.meet()

    return shorten
