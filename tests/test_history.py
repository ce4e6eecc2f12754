"""The history of a run: what goes in comes out, in little memory and to the bit."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nntrain.errors import MachineError
from nntrain.run.folder import RunFolder
from nntrain.run.history import History
from nntrain.run.run import Run
from nntrain.training.fit import fit
from tests import mutations
from tests.conftest import write_points
from tests.test_run import same_files, start

NUMBERS = st.floats(width=64)
ROWS = st.lists(st.tuples(st.integers(0, 2**53), NUMBERS, NUMBERS), max_size=6)


def rows_of(numbers: list[tuple[int, float, float]]) -> list[dict[str, float]]:
    return [
        {"epoch": epoch, "step": 7 * epoch, "train_loss": a, "validation_loss": b}
        for epoch, (_, a, b) in enumerate(numbers, start=1)
    ]


@given(ROWS)
def test_rows_come_back_as_they_were(numbers: list[tuple[int, float, float]]) -> None:
    rows = rows_of(numbers)
    history = History(rows)
    assert repr(list(history)) == repr(rows)  # whole numbers whole, NaN and -0.0 too
    assert len(history) == len(rows)
    assert repr(history[1:]) == repr(rows[1:])
    if rows:
        assert repr(history[-1]) == repr(rows[-1])
    again = History.from_table(history.names, history.table())
    assert again == history
    assert again.table().tobytes() == history.table().tobytes()


def test_histories_that_differ_are_not_equal() -> None:
    one = rows_of([(1, 0.5, 0.25)])
    assert History(one) != History(rows_of([(1, 0.5, 0.75)]))
    assert History(one) != History([{"epoch": 1, "step": 7, "train_loss": 0.5, "x": 0.25}])
    assert History(one) != History(one * 2)
    assert History() == History()


def test_beyond_its_end_is_an_error() -> None:
    with pytest.raises(IndexError):
        History()[-1]


def test_rows_of_other_names_are_refused() -> None:
    history = History(rows_of([(1, 0.5, 0.25)]))
    with pytest.raises(ValueError, match="other columns"):
        history.append({"epoch": 2, "step": 14})


@pytest.mark.parametrize(
    "table",
    [np.zeros((2, 3)), np.zeros((2, 2), np.float32), np.zeros(4), np.array([[np.nan, 1.0]])],
    ids=["three columns", "float32", "one axis", "an epoch that is NaN"],
)
def test_what_is_no_history_is_refused(table: Any) -> None:
    with pytest.raises(ValueError, match="its history"):
        History.from_table(("epoch", "step"), table)


def test_ten_thousand_epochs_take_little_more_than_their_numbers() -> None:
    row = {"epoch": 1, "step": 7, **{f"score_{i}": i / 7 for i in range(6)}}
    history = History()
    tracemalloc.start()
    for _ in range(10_000):
        history.append(row)
    size = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert size < 1.5 * 8 * len(row) * len(history)


def in_the_first_format(path: Path) -> None:
    """A checkpoint with the history among the facts, as the first ones had it."""
    header, body = mutations.opened(path.read_bytes())
    known = json.loads(header["__metadata__"]["nntrain"])
    place = header.pop("history")
    del known["sha256"]["history"]
    begin, end = place["data_offsets"]
    table = np.frombuffer(body[begin:end]).reshape(place["shape"])
    for row in header.values():
        if "data_offsets" in row and row["data_offsets"][0] >= end:
            row["data_offsets"] = [at - (end - begin) for at in row["data_offsets"]]
    history = History.from_table(known["facts"].pop("columns"), table)
    known["facts"]["progress"]["history"] = list(history)
    known["facts_sha256"] = mutations.facts_sha256(known["facts"])
    header["__metadata__"]["nntrain"] = json.dumps(known, sort_keys=True)
    path.write_bytes(mutations.closed(header, body[:begin] + body[end:]))


def test_a_run_with_a_checkpoint_of_the_first_format_goes_on(tmp_path: Path) -> None:
    config = write_points(tmp_path)
    list(fit(start(config, tmp_path / "whole")))
    steps = iter([""] * 20 + ["interrupted"])
    list(fit(start(config, tmp_path / "old"), stop=lambda: next(steps)))
    folder = RunFolder(tmp_path / "old")
    in_the_first_format(folder.checkpoint)
    run = Run.resume(folder)
    assert (run.progress.step, len(run.progress.history)) == (21, 2)
    list(fit(run))
    assert same_files(tmp_path / "whole", tmp_path / "old")


def test_a_checkpoint_with_other_columns_is_refused(tmp_path: Path) -> None:
    steps = iter([""] * 20 + ["interrupted"])
    run = start(write_points(tmp_path), tmp_path / "run")
    list(fit(run, stop=lambda: next(steps)))
    header, body = mutations.opened(run.folder.checkpoint.read_bytes())
    known = json.loads(header["__metadata__"]["nntrain"])
    known["facts"]["columns"][-1] = "validation_luck"
    known["facts_sha256"] = mutations.facts_sha256(known["facts"])
    header["__metadata__"]["nntrain"] = json.dumps(known, sort_keys=True)
    run.folder.checkpoint.write_bytes(mutations.closed(header, body))
    with pytest.raises(MachineError, match="other columns than this run"):
        run.load_checkpoint()
