"""Exhibits: the images that a network judged worst, some that it judged right, and where it looked.

Saliency is |d score / d input| of the output that was chosen, the largest of the channels:
Simonyan, Vedaldi and Zisserman 2013, arXiv:1312.6034, section 3.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from nntrain.call import INFERENCE
from nntrain.data.arrays import Grid
from nntrain.data.features import Scaled
from nntrain.data.parts import Part
from nntrain.families import Array, Shape
from nntrain.report.judged import Judged, Mistake, told_of
from nntrain.report.svg import evenly
from nntrain.report.work import seconds
from nntrain.run.model import Model, build_network, named_vectors

MOST_RIGHT = 8
SIDES = 4, 1024  # of what is taken for an image
SHOWN = 96  # points of a side; of larger images some
A_WEIGHT = 2e-8  # seconds that a weight of a second network takes


class Exhibit(NamedTuple):
    """One image.  pixels: (H, W, 1 or 3) uint8; saliency: (H, W) from 0 to 1, or None."""

    told: Mistake
    pixels: Array
    saliency: Array | None


class Exhibits(NamedTuple):
    """worst: those with the largest loss; right: some whose class was found."""

    worst: tuple[Exhibit, ...]
    right: tuple[Exhibit, ...]


def image_shape(model: Model) -> Shape | None:
    """(H, W, 1 or 3) where a row is an image, or becomes one in the first layer."""
    shape, first = model.preprocessor.shape, next(iter(model.network.plan.layers), None)
    if first and first.kind == "reshape" and first.path == "layers.0":
        shape = first.shape
    elif not isinstance(model.preprocessor.array, Grid):
        return None
    if len(shape) == 2:
        shape = (*shape, 1)
    least, most = SIDES
    fits = len(shape) == 3 and shape[2] in (1, 3) and all(least <= n <= most for n in shape[:2])
    return shape if fits and model.preprocessor.window is None else None


def exhibits(model: Model, part: Part, judged: Judged, budget: float) -> Exhibits | None:
    """Nothing where rows are no images; no saliency where it takes longer than `budget` seconds."""
    shape = image_shape(model)
    if shape is None or not judged.mistakes or not judged.mistakes[0].answers:
        return None
    rows = right_rows(len(part), judged)
    told = [*judged.mistakes, *(told_of(model, part.take(rows), rows) if len(rows) else ())]
    x = part.take(np.array([one.at for one in told])).x
    shown = pixels(model, x, shape)
    cost = 3 * seconds(model, len(x)) + model.network.store.theta.size * A_WEIGHT
    maps: Sequence[Array | None] = [None] * len(x)
    if cost <= budget:
        maps = [*saliency(model, x, shape)]
    some = [_some(side) for side in shape[:2]]
    found = [
        Exhibit(one, image[some[0]][:, some[1]], None if at is None else at[some[0]][:, some[1]])
        for one, image, at in zip(told, shown, maps, strict=True)
    ]
    worst = len(judged.mistakes)
    return Exhibits(tuple(found[:worst]), tuple(found[worst:]))


def _some(side: int) -> slice:
    return slice(None, None, -(-side // SHOWN))


def right_rows(rows: int, judged: Judged) -> Array:
    """Some rows whose class was found, of each class one before any has two.

    rows: how many were judged.
    """
    if len(judged.certainties) != 1 or len(judged.targets) != 1:
        return np.zeros(0, np.int64)
    p, true = judged.certainties[0].p, judged.certainties[0].true
    right = np.flatnonzero(p.argmax(axis=1) == true)
    right = right[~np.isin(evenly(rows, len(true))[right], [one.at for one in judged.mistakes])]
    by_class = np.argsort(true[right], kind="stable")
    counts = np.bincount(true[right])
    turn = np.arange(len(right)) - (counts.cumsum() - counts).repeat(counts)  # in its class
    chosen = right[by_class[np.argsort(turn, kind="stable")[:MOST_RIGHT]]]
    return evenly(rows, len(true))[chosen]


def pixels(model: Model, x: Array, shape: Shape) -> Array:
    """Rows (n, …) as images (n, H, W, C) uint8: from the lowest to the highest number of them."""
    known = model.preprocessor
    if isinstance(known.array, Grid):
        x = x * np.array(known.array.scales) + np.array(known.array.shifts)
    elif all(isinstance(f, Scaled) and len(f.inputs) == 1 for f in known.feature_columns):
        columns = [f for f in known.feature_columns if isinstance(f, Scaled)]
        x = x * np.array([f.scale for f in columns]) + np.array([f.shift for f in columns])
    low, high = float(x.min()), float(x.max())
    level = (x - low) / ((high - low) or 1.0) * 255.0
    return np.rint(level).astype(np.uint8).reshape(len(x), *shape)


def saliency(model: Model, x: Array, shape: Shape) -> Array:
    """(n, H, W), each from 0 to 1 at its largest."""
    network = build_network(model.experiment, model.preprocessor, input_gradient=True)
    for name, view in named_vectors(network).items():
        np.copyto(view, named_vectors(model.network)[name])
    with np.errstate(all="ignore"):
        y, backward = network(x, INFERENCE)
        dy = np.zeros_like(y)
        dy[np.arange(len(y)), y.argmax(axis=1)] = 1.0
        dx: Array = backward(dy)  # type: ignore[assignment]  # the network was built for it
    strength = np.abs(dx).reshape(len(x), *shape).max(axis=3)
    most = strength.max(axis=(1, 2), keepdims=True)
    shares: Array = np.nan_to_num(strength / np.where(most > 0, most, 1.0))
    return shares
