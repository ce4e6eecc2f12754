"""Filters: the first weights of a network that sees images, as pictures."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from nntrain.families import Array
from nntrain.report.exhibits import image_shape
from nntrain.run.model import Model

MOST_FILTERS = 64
CHANNELS = (1, 3)  # that make a grey or a coloured picture
LARGEST = 64  # points of a side


class Filters(NamedTuple):
    """layer: its path.  pictures: (n, h, w, 1 or 3) uint8, 0 in the middle; total: how many."""

    layer: str
    pictures: Array
    total: int


def filters(model: Model) -> Filters | None:
    """Those with the largest weights, in their order; None where they are no pictures."""
    shape, rows = image_shape(model), model.network.plan.weights
    matrices = [(name, row) for name, row in rows.items() if len(row.shape) > 1]
    if shape is None or not matrices:
        return None
    name, row = matrices[0]
    W = model.network.store.weights[name]
    if len(row.shape) == 4 and row.shape[2] in CHANNELS:  # (kh, kw, C, filters)
        pictures = W.transpose(3, 0, 1, 2)
    elif len(row.shape) == 2 and row.shape[0] == np.prod(shape):  # each unit sees the whole image
        pictures = W.T.reshape(-1, *shape)
    else:
        return None
    if max(pictures.shape[1:3]) > LARGEST or not np.isfinite(pictures).all():
        return None
    strength = np.abs(pictures).max(axis=(1, 2, 3))
    chosen = np.sort(np.argsort(-strength, kind="stable")[:MOST_FILTERS])
    most = np.where(strength > 0, strength, 1.0)[chosen, None, None, None]
    grey = np.rint(127.5 + 127.5 * pictures[chosen] / most).astype(np.uint8)
    return Filters(name.rpartition(".")[0], grey, len(pictures))
