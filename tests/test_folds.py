"""Folds: every row held out once, groups whole, classes spread, nothing learned of such rows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nntrain.data.dataset import Dataset
from nntrain.data.settings import Data, Fold, Split, Window
from nntrain.data.split import Parts, split
from nntrain.data.table import TEXT
from nntrain.errors import DataError
from nntrain.families import Array

ways = st.sampled_from(["random", "group", "hash"])


def folds_of(
    n: int, folds: int, settings: Split, seed: int = 0, classes: Array | None = None,
    cells: Array | None = None,
) -> list[Parts]:  # fmt: skip
    own = [replace(settings, k_fold=Fold(folds, fold + 1)) for fold in range(folds)]
    return [split(n, classes, one, seed, cells) for one in own]


def cells_of(n: int, groups: int) -> Array:
    numbers = np.random.default_rng(n).integers(0, groups, n)
    numbers[:groups] = np.arange(groups)
    return np.array([f"g{number}" for number in numbers], dtype=TEXT)


@given(ways, st.integers(60, 300), st.integers(2, 6), st.integers(0, 50))
def test_every_row_is_held_out_once(by: str, n: int, folds: int, seed: int) -> None:
    cells = cells_of(n, 40)
    found = folds_of(n, folds, Split(0.2, by=by, column="id"), seed, cells=cells)  # type: ignore[arg-type]
    held_out = np.concatenate([parts.test for parts in found])
    assert np.array_equal(np.sort(held_out), np.arange(n))
    for parts in found:
        assert np.array_equal(np.sort(np.concatenate(parts)), np.arange(n))
        assert len(parts.train) and len(parts.validation) and len(parts.test)
        if by != "random":
            for a, b in ((0, 1), (0, 2), (1, 2)):
                assert not set(cells[parts[a]]) & set(cells[parts[b]])


@given(st.lists(st.integers(2, 40), min_size=2, max_size=5), st.integers(2, 6), st.integers(0, 50))
def test_classes_are_spread(sizes: list[int], folds: int, seed: int) -> None:
    classes = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(sizes)), sizes))
    n = len(classes)
    if n < 3 * folds:
        return
    found = folds_of(n, folds, Split(0.0), seed, classes)
    counts = np.array([np.bincount(classes[p.test], minlength=len(sizes)) for p in found])
    assert (counts.max(axis=0) - counts.min(axis=0) <= 1).all()
    lengths = [len(parts.test) for parts in found]
    assert max(lengths) - min(lengths) <= 1


def test_the_rest_keeps_a_share_to_validate() -> None:
    classes = np.repeat([0, 1], [80, 20])
    for parts in folds_of(100, 5, Split(0.25), 3, classes):
        assert [len(part) for part in parts] == [60, 20, 20]
        assert [np.bincount(classes[part]).tolist() for part in parts] == [
            [48, 12],
            [16, 4],
            [16, 4],
        ]
    for parts in folds_of(100, 5, Split(10), 3, classes):
        assert [len(part) for part in parts] == [70, 10, 20]


def test_by_time_the_window_expands() -> None:
    """The blocks are those of scikit-learn's TimeSeriesSplit(3) over 14 rows."""
    found = folds_of(14, 3, Split(0.0, by="time"))
    assert [parts.test.tolist() for parts in found] == [[5, 6, 7], [8, 9, 10], [11, 12, 13]]
    assert [parts.train.tolist() for parts in found] == [list(range(n)) for n in (5, 8, 11)]
    found = folds_of(14, 3, Split(0.2, by="time"))
    assert [parts.validation.tolist() for parts in found] == [[4], [6, 7], [9, 10]]


def test_groups_make_folds_of_equal_size() -> None:
    groups = np.arange(600) // 6
    classes = (groups % 5 == 0).astype(np.int64)
    cells = np.array([str(group) for group in groups], dtype=TEXT)
    for parts in folds_of(600, 5, Split(0.2, by="group", column="id"), 1, classes, cells):
        assert np.bincount(classes[parts.test]).tolist() == [96, 24]


def test_a_hash_keeps_its_fold() -> None:
    cells = cells_of(400, 400)
    some = folds_of(100, 4, Split(0.2, by="hash", column="id"), cells=cells[:100])
    many = folds_of(400, 4, Split(0.2, by="hash", column="id"), cells=cells[::-1])
    for few, all_ in zip(some, many, strict=True):
        for own, others in zip(few, all_, strict=True):
            assert set(cells[own]) <= set(cells[::-1][others])


@pytest.mark.parametrize(
    "n, settings, message",
    [
        (3, Split(0.0), "3 usable rows are too few for 4 folds"),
        (4, Split(0.0, by="time"), "4 usable rows are too few for 4 folds"),
        (30, Split(0.0, by="group", column="id"), "3 groups are too few for 4 folds"),
        (30, Split(0.0, by="hash", column="id"), "holds out no row of 30"),
    ],
)
def test_too_many_folds(n: int, settings: Split, message: str) -> None:
    with pytest.raises(DataError, match=message):
        folds_of(n, 4, settings, cells=cells_of(n, 3) if settings.column else None)


@pytest.mark.parametrize(
    "how",
    [
        Split(0.2), Split(0.2, by="group", column="g"), Split(0.2, by="time"),
        Split(0.2, by="hash", column="id"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("fold", [1, 3])
@pytest.mark.parametrize("window", [None, Window(3)])
def test_held_out_rows_change_no_statistic(
    tmp_path: Path, how: Split, fold: int, window: Window | None
) -> None:
    if window and how.by != "time":
        return
    path = tmp_path / "rows.csv"
    rows = [f"i{i},g{i % 20},{i}.5,{'abc'[i % 3]},{i * i % 7}" for i in range(120)]
    settings = Data(
        path="", target="y", id=None if window else "id", split=replace(how, k_fold=Fold(3, fold)),
        window=window, columns={"id": "ignore"} if window else {},
    )  # fmt: skip

    def load() -> Dataset:
        path.write_text("\n".join(["id,g,x,c,y", *rows]) + "\n")
        return Dataset.load(settings, path, "numbers", 5)

    one = load()
    for name in ("validation", "test"):
        for row in one.parts[name].rows:
            rows[row] = f"i{row},g{row % 20},{row * 1e6},c,{row * -1e6}"
    two = load()
    assert one.preprocessor == two.preprocessor
    assert one.parts["train"].x.tobytes() == two.parts["train"].x.tobytes()
    assert not np.array_equal(one.parts["test"].raw, two.parts["test"].raw)


def test_a_class_that_a_fold_could_not_learn_is_told(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("x,y\n" + "".join(f"{i},{'c' if i == 7 else 'ab'[i % 2]}\n" for i in range(60)))
    with pytest.raises(DataError, match="no training row has the class `c`") as caught:
        for fold in (1, 2, 3):
            settings = Data(path="", target="y", split=Split(0.2, k_fold=Fold(3, fold)))
            Dataset.load(settings, path, "classes", 0)
    assert "fewer folds, or more rows of this class" in caught.value.problem.hint
