"""Grids and series: scaled by training rows alone, padded, and the same from the model file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nntrain.data.batches import batches
from nntrain.data.columns import parse
from nntrain.data.dataset import Dataset
from nntrain.data.learning import learn
from nntrain.data.preprocessing import Preprocessor
from nntrain.data.settings import Data, Features, Numeric, Preprocessing, Split
from nntrain.data.table import TEXT, Table, as_column
from nntrain.errors import DataError, MachineError
from nntrain.families import Array

RNG = np.random.default_rng(3)


def table_of(**columns: Any) -> Table:
    rows = len(next(iter(columns.values())))
    return Table("rows", np.arange(1, rows + 1), columns, "row")


def ragged(*lengths: int, channels: int = 2, seed: int = 0) -> Array:
    rng = np.random.default_rng(seed)
    return as_column([rng.normal(5, 3, size=(length, channels)) for length in lengths])


def labels(rows: int) -> Array:
    return np.array(["ab"[i % 2] for i in range(rows)], dtype=TEXT)


def learned(table: Table, rows: Any = None, **settings: Any) -> Preprocessor:
    data = Data(path="", target="y", preprocessing=Preprocessing(numeric=Numeric(**settings)))
    table, columns = parse(table, data)
    rows = np.arange(len(table)) if rows is None else np.array(rows)
    return learn(table, columns, rows, data, "classes")


def problem_of(table: Table, preprocessor: Preprocessor) -> tuple[str, int]:
    with pytest.raises(DataError) as caught:
        preprocessor.features(table)
    return caught.value.problem.message, caught.value.problem.line


# Grids

IMAGES = RNG.integers(0, 256, (8, 4, 3)).astype(np.uint8)


@pytest.mark.parametrize(
    "settings, wanted",
    [
        ({}, (IMAGES - IMAGES.mean()) / IMAGES.std()),
        ({"scale": "none"}, IMAGES),
        (
            {"scale": "min_max"},
            (IMAGES - float(IMAGES.min())) / (float(IMAGES.max()) - float(IMAGES.min())),
        ),
        ({"scale": "none", "transform": "sqrt"}, np.sqrt(IMAGES.astype(np.float64))),
    ],
)
def test_an_image_without_channels_gets_one(settings: Any, wanted: Array) -> None:
    table = table_of(image=IMAGES, y=labels(8))
    found = learned(table, **settings)
    x = found.features(table)
    assert (found.shape, found.inputs, x.shape) == ((4, 3, 1), 12, (8, 4, 3, 1))
    assert x.dtype == np.float32
    assert x.flags.c_contiguous
    np.testing.assert_allclose(x[..., 0], wanted, rtol=1e-6, atol=1e-6)
    assert found.lengths(table) is None


@pytest.mark.parametrize("shape", [(5,), (4, 3, 2), (2, 2, 2, 3)])
def test_channels_are_scaled_one_by_one(shape: tuple[int, ...]) -> None:
    cells = RNG.normal(1e6, 10.0, size=(40, *shape)) * np.arange(1, shape[-1] + 1)
    table = table_of(x=cells, y=labels(40))
    found = learned(table)
    axes = tuple(range(len(shape)))
    wanted = (cells - cells.mean(axis=axes)) / cells.std(axis=axes)
    np.testing.assert_allclose(found.features(table), wanted, rtol=1e-5, atol=1e-5)
    assert found.shape == shape


def test_a_constant_channel_becomes_zero() -> None:
    cells = np.stack([np.full((6, 2, 2), 7.0), RNG.normal(size=(6, 2, 2))], axis=-1)
    table = table_of(x=cells, y=labels(6))
    assert (learned(table).features(table)[..., 0] == 0).all()


def test_grids_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    table = table_of(image=IMAGES, y=labels(8))
    whole = learned(table)
    monkeypatch.setattr("nntrain.data.arrays.AT_A_TIME", 30)
    parts = learned(table)
    np.testing.assert_allclose(parts.features(table), whole.features(table), rtol=1e-6)


def test_grids_of_another_shape_and_numbers_that_are_none() -> None:
    found = learned(table_of(image=IMAGES, y=labels(8)))
    message, _ = problem_of(table_of(image=IMAGES[:, :3]), found)
    assert message == "column `image` holds 3 × 3 × 1, the model needs 4 × 3 × 1"
    message, _ = problem_of(table_of(image=labels(8)), found)
    assert message == "column `image` holds single values, the model needs 4 × 3 × 1"
    bad = IMAGES.astype(np.float32)
    bad[5, 1, 1] = np.nan
    message, line = problem_of(table_of(image=bad), found)
    assert message == "column `image`: row 6 has a value that is no finite number of 32 bits"
    assert line == 6
    with pytest.raises(DataError, match="row 1 has a value that is no finite number"):
        learned(table_of(image=bad.astype(np.float64) + 1e300, y=labels(8)))
    near = learned(table_of(image=IMAGES * 1e-37, y=labels(8)))
    message, line = problem_of(table_of(image=IMAGES * 1e5), near)
    assert "has a value too far from the training rows" in message
    below = IMAGES.astype(np.int64)
    below[2, 0, 1] = -9
    message, line = problem_of(
        table_of(image=below), learned(table_of(image=IMAGES, y=labels(8)), transform="sqrt")
    )
    assert message == "column `image`: row 3 has -9, of which there is no sqrt"


# Series


def test_series_are_scaled_over_their_steps_and_padded_with_zeros() -> None:
    cells = ragged(3, 1, 5)
    table = table_of(series=cells, y=labels(3))
    found = learned(table)
    x, lengths = found.features(table), found.lengths(table)
    assert lengths is not None
    assert (found.shape, x.shape, lengths.tolist()) == ((5, 2), (3, 5, 2), [3, 1, 5])
    steps = np.concatenate(list(cells))
    for row, one in enumerate(cells):
        wanted = (one - steps.mean(axis=0)) / steps.std(axis=0)
        np.testing.assert_allclose(x[row, : len(one)], wanted, rtol=1e-5, atol=1e-6)
        assert (x[row, len(one) :] == 0).all()


def test_a_longer_series_than_in_training_is_fine() -> None:
    found = learned(table_of(series=ragged(3, 1, 5), y=labels(3)))
    table = table_of(series=ragged(2, 9))
    assert found.features(table).shape == (2, 9, 2)
    assert found.features(table.take(slice(1))).shape == (1, 2, 2)


def test_series_of_one_length_have_no_lengths() -> None:
    table = table_of(series=ragged(4, 4), y=labels(2))
    found = learned(table)
    assert found.features(table).shape == (2, 4, 2)
    assert found.lengths(table) is None
    message, line = problem_of(table_of(series=ragged(4, 5)), found)
    assert message == "column `series`: row 2 has 5 steps, every training row has 4"
    assert line == 2


def test_an_array_of_series_of_one_length() -> None:
    cells = RNG.normal(size=(6, 4, 3))
    data = Data(path="", target="y", columns={"x": "series"})
    table, columns = parse(table_of(x=cells, y=labels(6)), data)
    found = learn(table, columns, np.arange(6), data, "classes")
    assert (found.shape, found.lengths(table)) == ((4, 3), None)
    wanted = (cells - cells.mean(axis=(0, 1))) / cells.std(axis=(0, 1))
    np.testing.assert_allclose(found.features(table), wanted, rtol=1e-5, atol=1e-6)
    assert learned(table_of(x=cells, y=labels(6))).shape == (4, 3, 1)
    with pytest.raises(DataError, match="column `x` holds single values, it can not be series"):
        parse(table_of(x=labels(6), y=labels(6)), data)


def test_series_with_other_channels_or_none() -> None:
    found = learned(table_of(series=ragged(4, 3), y=labels(2)))
    cells = as_column([np.ones((3, 2)), np.ones((3, 3))])
    message, line = problem_of(table_of(series=cells), found)
    assert message == "column `series`: row 2 has 3 channels, expected 2"
    assert line == 2
    assert "holds no series" in problem_of(table_of(series=labels(3)), found)[0]
    cells = ragged(3, 4)
    cells[1][2, 0] = np.inf
    assert problem_of(table_of(series=cells), found)[1] == 2


# Both


@pytest.mark.parametrize("cells", [IMAGES, ragged(*range(3, 11))], ids=["grid", "series"])
def test_other_rows_change_no_statistic(cells: Array) -> None:
    rows = [0, 2, 3, 6]
    one = learned(table_of(x=cells, y=labels(8)), rows)
    changed = cells.copy()
    for row in {*range(8)} - {*rows}:
        changed[row] = changed[row] * 0 + 99
    assert learned(table_of(x=changed, y=labels(8)), rows) == one


@pytest.mark.parametrize("cells", [IMAGES, ragged(*range(3, 11))], ids=["grid", "series"])
def test_round_trip_to_the_bit(cells: Array) -> None:
    table = table_of(x=cells, y=labels(8))
    before = learned(table)
    after = Preprocessor.from_plain(json.loads(json.dumps(before.to_plain())))
    assert after == before
    assert after.features(table).tobytes() == before.features(table).tobytes()


@pytest.mark.parametrize(
    "key, value",
    [
        ("shape", [4, 3]),
        ("shape", []),
        ("shape", [4, -3, 1]),
        ("shape", "4"),
        ("scales", [0.0]),
        ("scales", [1.0, 1.0]),
        ("shifts", []),
        ("transform", "cube"),
        ("name", None),
    ],
)
def test_damaged_values(key: str, value: Any) -> None:
    plain = learned(table_of(image=IMAGES, y=labels(8))).to_plain()
    plain["features"][0][key] = value
    with pytest.raises(MachineError, match="damaged"):
        Preprocessor.from_plain(plain)


@pytest.mark.parametrize(
    "columns, settings, message",
    [
        ({}, {}, "`image` is an array, which is the only input of a network; there is `n` too"),
        ({}, {"target": "image"}, "`image` is an array, it can not be target"),
        ({}, {"id": "image"}, "`image` is an array, it can not be id"),
        ({"series": ragged(*[2] * 8)}, {}, "there are `n`, `series` too"),
    ],
)
def test_one_array_is_the_only_input(columns: Any, settings: Any, message: str) -> None:
    numbers = np.array([str(i) for i in range(8)], dtype=TEXT)
    table = table_of(image=IMAGES, y=labels(8), n=numbers, **columns)
    with pytest.raises(DataError) as caught:
        parse(table, Data(path="", **{"target": "y", **settings}))
    assert message in caught.value.problem.message
    left = Data(path="", target="y", features=Features(include=("image",)))
    assert [column.kind for column in parse(table, left)[1]][:2] == ["grid", "target"]


def test_images_as_their_own_target(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", image=np.repeat(IMAGES, 3, axis=0))
    found = Dataset.load(Data(path=""), tmp_path / "a.npz", "numbers", 0)
    part = found.parts["train"]
    assert found.preprocessor.outputs == 12
    assert part.target.shape == (len(part), 12)
    assert np.array_equal(part.target, part.x.reshape(len(part), -1))
    assert found.preprocessor.input_names[3] == "image[1,0,0]"


def test_series_are_not_their_own_target(tmp_path: Path) -> None:
    lines = ["@data", *(",".join("1" * (i % 3 + 1)) for i in range(20))]
    (tmp_path / "a.ts").write_text("\n".join(lines))
    with pytest.raises(DataError, match="unequal length"):
        Dataset.load(Data(path=""), tmp_path / "a.ts", "numbers", 0)


def test_batches_are_as_long_as_their_longest_row() -> None:
    cells = ragged(*RNG.integers(1, 12, 50))
    table = table_of(series=cells, y=labels(50))
    found = learned(table)
    x, lengths = found.features(table), found.lengths(table)
    assert lengths is not None
    rows = RNG.permutation(50)
    at = 0
    for batch in batches(x, np.arange(50), rows, 8, lengths=lengths):
        own = rows[at : at + 8]
        assert batch.lengths is not None
        assert batch.lengths.tolist() == lengths[own].tolist()
        assert np.array_equal(batch.x, x[own][:, : lengths[own].max()])
        assert batch.x.flags.c_contiguous
        assert batch.target.tolist() == own.tolist()
        at += 8


def test_parts_keep_the_lengths_of_their_rows(tmp_path: Path) -> None:
    lines = ["@classLabel true a b", "@data"]
    lines += [f"{','.join(str(i) for _ in range(i % 5 + 1))}:{'ab'[i % 2]}" for i in range(40)]
    (tmp_path / "a.ts").write_text("\n".join(lines))
    found = Dataset.load(
        Data(path="", target="class", split=Split(0.2, 0.2)), tmp_path / "a.ts", "classes", 0
    )
    for part in found.parts.values():
        assert part.lengths is not None
        assert part.lengths.tolist() == [row % 5 + 1 for row in part.rows]
