"""The split: every row once, the shares kept, classes spread, the same for the same seed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from nntrain.data.settings import Split
from nntrain.data.split import Parts, apportion, split
from nntrain.errors import ConfigError, DataError
from nntrain.families import Array

shares = st.sampled_from([0.0, 0.01, 0.1, 0.15, 0.2, 0.3, 0.45])
class_sizes = st.lists(st.integers(1, 60), min_size=2, max_size=8)


def rows_of_classes(sizes: list[int], seed: int) -> Array:
    return np.random.default_rng(seed).permutation(np.repeat(np.arange(len(sizes)), sizes))


def test_sizes_by_hand() -> None:
    assert [len(part) for part in split(20, None, Split(), 0)] == [14, 3, 3]
    assert [len(part) for part in split(1000, None, Split(0.1, 0.0), 0)] == [900, 100, 0]
    assert [len(part) for part in split(3, None, Split(0.01, 0.01), 0)] == [1, 1, 1]


def test_strata_by_hand() -> None:
    classes = np.repeat([0, 1], [80, 20])
    for part, counts in zip(split(100, classes, Split(0.1, 0.2), 0), [(56, 14), (8, 2), (16, 4)],
                            strict=True):  # fmt: skip
        assert tuple(np.bincount(classes[part])) == counts


def test_a_rare_class_reaches_every_part() -> None:
    classes = np.repeat([0, 1], [97, 3])
    for part in split(100, classes, Split(), 0):
        assert set(classes[part]) == {0, 1}


def test_a_class_of_one_row_trains() -> None:
    classes = np.repeat([0, 1, 2], [50, 1, 49])
    assert 50 in split(100, classes, Split(), 3).train


def test_stratify_false_ignores_classes() -> None:
    classes = np.repeat([0, 1], [50, 50])
    settings = Split(stratify=False)
    for a, b in zip(split(100, classes, settings, 1), split(100, None, settings, 1), strict=True):
        assert np.array_equal(a, b)


@pytest.mark.parametrize("n", [0, 1, 2])
def test_too_few_rows(n: int) -> None:
    with pytest.raises(DataError, match=f"{n} usable rows are too few to be split into 3 parts"):
        split(n, None, Split(), 0)


def test_classes_of_one_row_each_leave_nothing_to_judge_by() -> None:
    with pytest.raises(DataError, match="too few"):
        split(4, np.arange(4), Split(), 0)


def test_shares_that_leave_nothing_to_train_on() -> None:
    with pytest.raises(ConfigError, match=r"data.split.*leave no rows"):
        split(100, None, Split(0.5, 0.5), 0)


@given(st.integers(3, 300), shares, shares, st.integers(0, 99))
def test_every_row_once_and_sizes_by_share(n: int, v: float, t: float, seed: int) -> None:
    parts = split(n, None, Split(v, t), seed)
    check_partition(parts, n)
    check_sizes(parts, n, v, t)


@given(class_sizes, shares, shares, st.integers(0, 99))
def test_strata(sizes: list[int], v: float, t: float, seed: int) -> None:
    n = sum(sizes)
    classes = rows_of_classes(sizes, seed)
    wanted = 1 + (v > 0) + (t > 0)
    assume(n - len(sizes) >= 2 * len(sizes))  # rows enough beside one to train for each class
    parts = split(n, classes, Split(v, t), seed)
    check_partition(parts, n)
    assert set(classes[parts.train]) == set(range(len(sizes)))
    counts = [np.bincount(classes[part], minlength=len(sizes)) for part in parts]
    small = np.array(sizes) < wanted
    scarce = len(parts.train) == len(sizes)  # a row of each class must stay to train on
    if not small.any() and not scarce and all(len(p) >= len(sizes) for p in parts[1:] if len(p)):
        check_sizes(parts, n, v, t)
        for count, share in zip(counts, (1, v, t), strict=True):
            assert share == 0 or (count > 0).all()


@given(class_sizes, st.integers(0, 99))
def test_a_function_of_the_seed(sizes: list[int], seed: int) -> None:
    n = sum(sizes)
    assume(n >= 3 * len(sizes))
    classes = rows_of_classes(sizes, 0)
    one, two = (split(n, classes.copy(), Split(), seed) for _ in range(2))
    assert all(np.array_equal(a, b) for a, b in zip(one, two, strict=True))


def test_another_seed_is_another_split() -> None:
    assert not np.array_equal(split(100, None, Split(), 0).test, split(100, None, Split(), 1).test)


def check_partition(parts: Parts, n: int) -> None:
    assert np.array_equal(np.sort(np.concatenate(parts)), np.arange(n))
    for part in parts:
        assert part.dtype == np.int64
        assert (np.diff(part) > 0).all()


def check_sizes(parts: Parts, n: int, v: float, t: float) -> None:
    for part, share in zip(parts, (1 - v - t, v, t), strict=True):
        assert (len(part) > 0) == (share > 0)
        assert abs(len(part) - share * n) < 1 or len(part) == 1 or part is parts.train


@given(st.lists(st.tuples(st.floats(0, 20), st.integers(0, 1), st.integers(1, 30)), min_size=1))
def test_apportion_keeps_total_and_bounds(rows: list[tuple[float, int, int]]) -> None:
    ideal, low, high = (np.array(column) for column in zip(*rows, strict=True))
    total = round(float(ideal.sum()))
    counts = apportion(ideal, total, low, high)
    assert counts.sum() == min(total, high.sum())
    assert (counts <= high).all()
    assert (counts >= (low if total >= low.sum() else 0)).all()


def test_apportion_gives_to_the_largest_remainders() -> None:
    ideal = np.array([3.5, 2.2, 1.9, 0.4])
    no, all_ = np.zeros(4, dtype=np.int64), np.full(4, 100)
    assert apportion(ideal, 8, no, all_).tolist() == [4, 2, 2, 0]
