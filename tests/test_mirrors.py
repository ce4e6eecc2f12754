"""Signals with their own mirror image at both ends, each row at its own."""

from __future__ import annotations

import numpy as np
import pytest

from nntrain.families import Array
from nntrain.layers.mirrors import MirrorOfRows
from nntrain.layers.windows import Windows

ENDS = [(0, 0), (1, 2), (3, 3), (0, 7), (8, 5)]  # some longer than the rows
LENGTHS = np.array([5, 3, 2, 1, 0, 4])


def mirror_of(before: int, after: int) -> MirrorOfRows:
    return MirrorOfRows(Windows((1, 1), before=(0, before), after=(0, after)))


@pytest.mark.parametrize(("before", "after"), ENDS)
def test_every_row_is_what_numpy_makes_of_it(before: int, after: int) -> None:
    x = np.random.default_rng(1).normal(size=(6, 5, 2))
    extended = mirror_of(before, after).extend(x, LENGTHS)
    for row, found, n in zip(x, extended, LENGTHS, strict=True):
        if n:
            expected = np.pad(row[:n], [(before, after), (0, 0)], mode="reflect")
            np.testing.assert_array_equal(found[: len(expected)], expected)
        assert not found[before + n + after if n else 0 :].any()
    whole = mirror_of(before, after).extend(x, None)
    np.testing.assert_array_equal(
        whole, np.pad(x, [(0, 0), (before, after), (0, 0)], mode="reflect")
    )


@pytest.mark.parametrize(("before", "after"), ENDS)
@pytest.mark.parametrize("lengths", [None, LENGTHS], ids=["whole", "lengths"])
def test_the_way_back_is_the_transpose(before: int, after: int, lengths: Array | None) -> None:
    rng, mirror = np.random.default_rng(2), mirror_of(before, after)
    x, d = rng.normal(size=(6, 5, 2)), rng.normal(size=(6, before + 5 + after, 2))
    ends = np.full(6, 5) if lengths is None else lengths
    d[(np.arange(before + 5 + after) >= before + ends[:, None] + after) | (ends[:, None] == 0)] = 0
    folded = mirror.fold(d, lengths)
    forth, back = np.sum(mirror.extend(x, lengths) * d), np.sum(x * folded)
    assert forth == pytest.approx(back, rel=1e-12)
    assert not folded[np.arange(5) >= ends[:, None]].any()
