"""Splits by group, by column and by hash, and a file of validation rows."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nntrain.data.dataset import Dataset
from nntrain.data.grouping import cut_groups, uniform
from nntrain.data.settings import Data, Features, Split
from nntrain.data.split import Parts, split
from nntrain.data.table import TEXT
from nntrain.errors import DataError
from nntrain.families import Array
from tests.conftest import Command

ROWS = 120
sizes_of_groups = st.lists(st.integers(1, 30), min_size=3, max_size=40)
shares = st.sampled_from([0.0, 0.1, 0.15, 0.2, 0.3])


def cells(numbers: Sequence[int] | Array) -> Array:
    return np.array([f"id-{number}" for number in numbers], dtype=TEXT)


def rows_of(sizes: list[int], seed: int) -> Array:
    """The group of each row, in random order."""
    return np.random.default_rng(seed).permutation(np.repeat(np.arange(len(sizes)), sizes))


def names_of(parts: Parts, n: int) -> Array:
    """The part of each row, (n,); every row is in one."""
    assert np.array_equal(np.sort(np.concatenate(parts)), np.arange(n))
    found = np.empty(n, dtype=object)
    for name, rows in parts._asdict().items():
        found[rows] = name
    return found


# Groups


@given(sizes_of_groups, shares, shares, st.integers(0, 99))
def test_groups_stay_whole_and_sizes_are_near(
    sizes: list[int], validation: float, test: float, seed: int
) -> None:
    groups = rows_of(sizes, seed)
    n = len(groups)
    settings = Split(validation, test, "group", "id", stratify=False)
    parts = split(n, None, settings, seed, cells(groups))
    part_of = names_of(parts, n)
    for group in range(len(sizes)):
        assert len(set(part_of[groups == group])) == 1
    assert [len(part) > 0 for part in parts] == [True, validation > 0, test > 0]
    # the test is drawn first: it misses its size by half of the smallest group that it left
    left = [size for group, size in enumerate(sizes) if (part_of[groups == group] != "test").all()]
    own = [size for group, size in enumerate(sizes) if group not in groups[part_of != "test"]]
    alone = len(own) == 1 and own[0] == min(sizes)  # a group it must have, however small the share
    full = len(left) == 1 + (validation > 0)  # and as many it must leave
    if test and not alone and not full:
        assert abs(len(parts.test) - test * n) <= min(left) / 2 + 1e-9


def test_groups_of_one_class_are_stratified_to_the_row() -> None:
    groups = np.arange(300) // 3
    classes = (groups % 4 == 0).astype(np.int64)  # 25 of 100 groups
    parts = split(300, classes, Split(0.2, 0.2, "group", "id"), 3, cells(groups))
    assert [np.bincount(classes[part]).tolist() for part in parts] == [
        [135, 45],
        [45, 15],
        [45, 15],
    ]


def test_mixed_groups_come_near_their_strata() -> None:
    rng = np.random.default_rng(1)
    groups, classes = rng.integers(0, 200, 4000), rng.integers(0, 3, 4000)
    parts = split(4000, classes, Split(0.15, 0.15, "group", "id"), 0, cells(groups))
    whole = np.bincount(classes) / 4000
    for part in parts:
        assert np.abs(np.bincount(classes[part]) / len(part) - whole).max() < 0.02


@given(sizes_of_groups, st.integers(0, 99))
def test_the_order_of_the_rows_moves_no_group(sizes: list[int], seed: int) -> None:
    groups = rows_of(sizes, 0)
    order = np.random.default_rng(seed).permutation(len(groups))
    settings = Split(0.2, 0.2, "group", "id")
    one = names_of(split(len(groups), None, settings, seed, cells(groups)), len(groups))
    two = names_of(split(len(groups), None, settings, seed, cells(groups[order])), len(groups))
    assert (one[order] == two).all()


def test_another_seed_draws_other_groups() -> None:
    found = [cut_groups(np.arange(60), None, [0.3, 0.7], seed, "split") for seed in range(9)]
    assert len({tuple(part) for part in found}) == 9
    often = np.mean(np.array(found) == 0, axis=0)
    assert often.max() < 1  # none is always taken


def test_large_groups_are_drawn_as_others_are() -> None:
    sizes = [40] * 3 + [1] * 80
    groups = rows_of(sizes, 0)
    tests = [split(200, None, Split(0.2, 0.2, "group", "id"), seed, cells(groups)).test
             for seed in range(20)]  # fmt: skip
    assert any(set(groups[test]) & {0, 1, 2} for test in tests)


def test_too_few_groups() -> None:
    with pytest.raises(DataError, match="2 groups can not be split into 3 parts"):
        split(40, None, Split(by="group", column="id"), 0, cells(np.arange(40) % 2))


# Hashes


@given(st.lists(st.integers(0, 500), min_size=40, max_size=90, unique=True), st.integers(0, 9))
def test_a_hash_stays_as_rows_are_added_and_permuted(ids: list[int], seed: int) -> None:
    settings = Split(0.25, 0.25, "hash", "id")
    few = ids[:30]
    try:
        one = names_of(split(30, None, settings, seed, cells(few)), 30)
        two = names_of(split(len(ids), None, settings, seed, cells(ids[::-1])), len(ids))
    except DataError:  # none falls into some part
        return
    assert (one == two[::-1][:30]).all()


def test_equal_cells_have_equal_hashes_and_shares_are_kept() -> None:
    ids = np.arange(20000) // 2
    part_of = names_of(split(20000, None, Split(0.1, 0.2, "hash", "id"), 0, cells(ids)), 20000)
    assert (part_of[0::2] == part_of[1::2]).all()
    for name, share in (("train", 0.7), ("validation", 0.1), ("test", 0.2)):
        assert abs((part_of == name).mean() - share) < 0.02
    other = names_of(split(20000, None, Split(0.3, 0.2, "hash", "id"), 0, cells(ids)), 20000)
    assert ((part_of == "test") == (other == "test")).all()


def test_hashes_by_hand() -> None:
    """Written down, so that no other version of this tool, NumPy or Python moves a row."""
    found = uniform(np.array(["a", "é", ""], dtype=TEXT), 7, "split")
    assert found.tolist() == HASHES


HASHES = [0.3879680430041921, 0.551721699672853, 0.527388220371097]


def test_a_hash_that_leaves_a_part_empty() -> None:
    with pytest.raises(DataError, match="of 3 usable rows, none falls into"):
        split(3, None, Split(0.15, 0.15, "hash", "id"), 0, cells([1, 2, 3]))


# A whole file


def written(tmp_path: Path, parts: Sequence[str] = ("train", "valid", "Test", "val")) -> Path:
    path = tmp_path / "rows.csv"
    lines = [f"{i},p{i % 12},{parts[i % len(parts)]},{'ab'[i // 4 % 2]}" for i in range(ROWS)]
    path.write_text("\n".join(["x,person,part,y", *lines]) + "\n")
    return path


def load(path: Path, **settings: object) -> Dataset:
    return Dataset.load(Data(path=path.name, target="y", **settings), path, "classes", 0)  # type: ignore[arg-type]


@pytest.mark.parametrize("by, column", [("group", "person"), ("hash", "x"), ("column", "part")])
def test_the_column_is_no_feature_unless_it_is_named(tmp_path: Path, by: str, column: str) -> None:
    path = written(tmp_path)
    how = Split(by=by, column=column)  # type: ignore[arg-type]
    found = load(path, split=how)
    names = [feature.name for feature in found.preprocessor.feature_columns]
    assert column not in names
    kinds = {one.name: (one.kind, one.note) for one in found.columns}
    assert kinds[column][0] == "split"
    assert kinds[column][1].startswith("no feature: ")
    both = load(path, split=how, features=Features(include=("x", column)))
    assert column in [feature.name for feature in both.preprocessor.feature_columns]
    for name, part in found.parts.items():
        assert np.array_equal(both.parts[name].rows, part.rows)


def test_cells_are_taken_at_their_word(tmp_path: Path) -> None:
    found = load(written(tmp_path), split=Split(by="column", column="part"))
    parts = {name: set((part.rows % 4).tolist()) for name, part in found.parts.items()}
    assert parts == {"train": {0}, "validation": {1, 3}, "test": {2}}


@pytest.mark.parametrize(
    "words, by, line, message",
    [
        (("train", "test", "trial"), "column", 4, "line 4: column `part` has `trial`"),
        (("train", "test", ""), "column", 4, "line 4: `part`, which splits the rows, is empty"),
        (("a", "", "b"), "group", 3, "line 3: `part`, which splits the rows, is empty"),
        (("a", "", "b"), "hash", 3, "line 3: `part`, which splits the rows, is empty"),
        (("test", "val"), "column", 0, "no row says `train`"),
    ],
)
def test_cells_that_say_nothing(
    tmp_path: Path, words: tuple[str, ...], by: str, line: int, message: str
) -> None:
    with pytest.raises(DataError) as caught:
        load(written(tmp_path, words), split=Split(by=by, column="part"))  # type: ignore[arg-type]
    assert (message in caught.value.problem.message, caught.value.problem.line) == (True, line)


def test_what_means_missing_is_no_group(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="line 3: `part`, which splits the rows, is empty"):
        how = Split(by="group", column="part")
        load(written(tmp_path, ("a", "?", "b")), split=how, na_values=("?",))


def test_whole_groups_that_miss_the_shares_are_told(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    lines = [f"{i},{'abc'[min(i // 30, 2)]},{'uv'[i % 2]}" for i in range(ROWS)]
    path.write_text("\n".join(["x,shop,y", *lines]) + "\n")
    found = load(path, split=Split(by="group", column="shop", stratify=False))
    assert any("the split comes out as train" in note for note in found.notes)
    found = load(written(tmp_path), split=Split(1 / 6, 1 / 6, "group", "person"))
    assert not any("the split" in note for note in found.notes)


def test_held_out_rows_change_no_statistic(tmp_path: Path) -> None:
    path = written(tmp_path)
    for how in (Split(by="group", column="person"), Split(by="hash", column="x"),
                Split(by="column", column="part")):  # fmt: skip
        path = written(tmp_path)
        one = load(path, split=how)
        lines = path.read_text().splitlines()
        for name in ("validation", "test"):
            for row in one.parts[name].rows:
                x, rest = lines[row + 1].split(",", 1)
                # the number that a hash is taken of must stay
                lines[row + 1] = lines[row + 1] if how.column == "x" else f"{x}e5,{rest}"
        path.write_text("\n".join(lines))
        two = load(path, split=how)
        assert one.preprocessor == two.preprocessor


# Files of their own

CONFIG = """\
name: three
data: {path: a.csv, validation_path: b.csv, target: y}
model: {layers: [{type: dense, units: auto}]}
loss: cross_entropy
trainer: {max_epochs: 2}
early_stopping: {monitor: validation_loss}
"""


def three_files(tmp_path: Path, text: str = CONFIG) -> None:
    (tmp_path / "a.csv").write_text("x,y\n" + "".join(f"{i},{'ab'[i % 2]}\n" for i in range(40)))
    (tmp_path / "b.csv").write_text("y,x\n" + "".join(f"{'ab'[i % 2]},{i}e3\n" for i in range(9)))
    (tmp_path / "c.csv").write_text("y,x\n" + "".join(f"{'ab'[i % 2]},{i}e4\n" for i in range(7)))
    (tmp_path / "three.yaml").write_text(text)


def test_validation_has_a_file_of_its_own(nntrain: Command, tmp_path: Path) -> None:
    three_files(tmp_path)
    assert nntrain("fit", "three.yaml", "-q").code == 0
    facts = json.loads((tmp_path / "runs/three/001/manifest.json").read_text())["data"]
    assert facts["rows"] == {"train": 34, "validation": 9, "test": 6}
    assert (facts["validation_path"], facts["test_path"]) == (str(tmp_path / "b.csv"), None)
    assert list(facts["others"]) == [str(tmp_path / "b.csv")]
    scores = json.loads(nntrain("eval", "--json", "--split", "validation").out)
    other = json.loads(nntrain("eval", "--json", "--data", "b.csv").out)
    assert other["metrics"] == scores["metrics"]
    assert nntrain("fit", "--resume", "runs/three/001", "--set", "trainer.max_epochs=3").code == 0
    (tmp_path / "b.csv").write_text("y,x\na,1\nb,2\n")
    assert "b.csv: the data has changed" in nntrain("eval").err


def test_three_files_split_nothing(nntrain: Command, tmp_path: Path) -> None:
    three_files(tmp_path, CONFIG.replace("target: y", "test_path: c.csv, target: y"))
    assert nntrain("fit", "three.yaml", "-q").code == 0
    facts = json.loads((tmp_path / "runs/three/001/manifest.json").read_text())["data"]
    assert facts["rows"] == {"train": 40, "validation": 9, "test": 7}


MORE = [
    ("validation_path: b.csv, ", "split: {by: group}, ", "`by: group` looks at a column: which"),
    ("validation_path: b.csv, ", "split: {column: x}, ", "`by: random` looks at no column"),
    ("validation_path: b.csv, ", "split: {by: hash, column: y}, ", "`y` is the target"),
    ("validation_path: b.csv, ", "split: {by: hash, column: z}, ", "file lacks: `z`"),
    ("validation_path: b.csv, ", "split: {by: hash, column: x, test: 9}, ", "write a share"),
    ("validation_path: b.csv, ", "split: {by: column, column: x, test: 0.3}, ",
     "say which rows are the test's"),
    ("target: y", "target: y, split: {validation: 0.2}", "judge each epoch already"),
    ("validation_path: b.csv, ", "split: {k_fold: {folds: 1, fold: 1}}, ", "at least 2 folds"),
    ("validation_path: b.csv, ", "split: {k_fold: {folds: 3, fold: 4}}, ", "only 3 folds"),
    ("validation_path: b.csv, ", "test_path: b.csv, split: {k_fold: {folds: 3, fold: 1}}, ",
     "the rows that a fold holds out are its test"),
    ("validation_path: b.csv, ", "split: {by: column, column: x, k_fold: {folds: 3, fold: 1}}, ",
     "nothing to fold"),
    ("validation_path: b.csv, ", "window: {length: 2}, split: {by: hash, column: x}, ",
     "rows drawn by hash would be in training and test"),
    ("validation_path: b.csv, ", "split: {by: grouped, column: x}, ", "did you mean `group`"),
    ("validation_path: b.csv, ", "split: {by: hash, group_column: x}, ", "did you mean `column`?"),
    ("validation_path", "val_path", "did you mean `validation_path`"),
]  # fmt: skip


@pytest.mark.parametrize("old, new, message", MORE)
def test_configs_that_can_not_be(
    nntrain: Command, tmp_path: Path, old: str, new: str, message: str
) -> None:
    three_files(tmp_path, CONFIG.replace(old, new))
    assert old in CONFIG
    done = nntrain("fit", "three.yaml")
    assert done.code in (2, 3)
    assert message in done.err


def test_a_part_that_a_score_needs_is_missed_before_training(
    nntrain: Command, tmp_path: Path
) -> None:
    three_files(
        tmp_path, CONFIG.replace("validation_path: b.csv", "split: {by: column, column: p}")
    )
    (tmp_path / "a.csv").write_text(
        "x,p,y\n"
        + "".join(f"{i},{'train' if i < 30 else 'test'},{'ab'[i % 2]}\n" for i in range(40))
    )
    done = nntrain("fit", "three.yaml")
    assert done.code == 2
    assert (
        "three.yaml:6:27: early_stopping.monitor: `validation_loss` needs validation rows"
        in done.err
    )
