"""JSON lines, Parquet and Arrow: the cells of a CSV file, however they are stored."""

from __future__ import annotations

import datetime
import gzip
import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import polars
import pytest

from nntrain.data.formats import Arrow, Csv, Jsonl, Parquet, by_ending
from nntrain.data.table import Table, join
from nntrain.errors import DataError, MachineError, Problem
from nntrain.families import Source
from tests.conftest import ROOT, Command

PENGUINS = ROOT / "datasets" / "penguins.csv"
CONFIG = """\
name: table
data: {path: FILE, target: species}
model: {layers: [{type: dense, units: auto}]}
loss: cross_entropy
trainer: {max_epochs: 2}
"""

Write = Callable[[Path], Any]


def read(path: Path, rows: int = 32768) -> Table:
    return join(list(by_ending(str(path)).read(path, rows)))


def failure(path: Path) -> Problem:
    with pytest.raises(DataError) as caught:
        read(path)
    problem = caught.value.problem
    assert problem.file == str(path)
    assert len(str(caught.value).splitlines()) <= 6
    return problem


def texts(table: Table) -> dict[str, list[str]]:
    return {name: cells.tolist() for name, cells in table.columns.items()}


def _frame() -> Any:
    return polars.read_csv(PENGUINS)


def _jsonl(path: Path) -> None:
    _frame().write_ndjson(path)


def _sparse(path: Path) -> None:
    """A missing cell is a key that is not there; the keys come in any order."""
    rng = Random(0)  # noqa: S311
    lines = list[str]()
    for row in _frame().to_dicts():
        pairs = [(name, value) for name, value in row.items() if value is not None]
        if lines:  # the first one has all columns, in the order of the others
            rng.shuffle(pairs)
        lines.append(json.dumps(dict(pairs)))
    path.write_text("\n".join(lines))


def _packed(write: Write, ending: str) -> Write:
    def packed(path: Path) -> None:
        plain = path.with_name(f"plain{ending}")
        write(plain)
        path.write_bytes(gzip.compress(plain.read_bytes()))
        plain.unlink()

    return packed


WRITERS: dict[str, Write] = {
    "a.jsonl": _jsonl,
    "b.ndjson": _sparse,
    "c.jsonl.gz": _packed(_sparse, ".jsonl"),
    "d.parquet": lambda path: _frame().write_parquet(path, row_group_size=50),
    "e.parquet": lambda path: (
        _frame()
        .with_columns(polars.col(polars.String).cast(polars.Categorical))
        .write_parquet(path)
    ),
    "f.parquet.gz": _packed(lambda path: _frame().write_parquet(path), ".parquet"),
    "g.arrow": lambda path: _frame().write_ipc(path),
    "h.feather": lambda path: _frame().write_ipc(path, compression="zstd"),
}


@pytest.mark.parametrize("rows", [7, 32768])
@pytest.mark.parametrize("name", WRITERS)
def test_the_cells_are_those_of_the_csv_file(tmp_path: Path, name: str, rows: int) -> None:
    WRITERS[name](tmp_path / name)
    found = texts(read(tmp_path / name, rows))
    known = texts(join(list(Csv().read(PENGUINS))))
    assert found.keys() == known.keys()
    for column in known:
        assert [_number(v) for v in found[column]] == [_number(v) for v in known[column]]


def _number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


@pytest.mark.parametrize("name", WRITERS)
def test_fit_eval_and_predict(nntrain: Command, tmp_path: Path, name: str) -> None:
    WRITERS[name](tmp_path / name)
    (tmp_path / "own.yaml").write_text(CONFIG.replace("FILE", name))
    (tmp_path / "csv.yaml").write_text(CONFIG.replace("FILE", str(PENGUINS)))
    for run in ("own", "csv"):
        assert nntrain("fit", f"{run}.yaml", "-q", "--output-dir", run).code == 0
    assert _scores(nntrain("eval", "own").out) == _scores(nntrain("eval", "csv").out)
    assert nntrain("predict", "own", name).out == nntrain("predict", "csv", PENGUINS).out


def _scores(text: str) -> list[str]:
    return text.splitlines()[1:]


@pytest.mark.parametrize(
    "name, source",
    [
        ("a.jsonl", Jsonl()), ("a.ndjson.gz", Jsonl()), ("a.JSON", Jsonl()),
        ("a.parquet", Parquet()), ("a.arrow", Arrow()), ("a.feather", Arrow()), ("a.ipc", Arrow()),
    ],
)  # fmt: skip
def test_formats_by_ending(name: str, source: Source) -> None:
    assert by_ending(name) == source


# JSON lines


@pytest.mark.parametrize("rows", [1, 2, 100])
def test_values_of_json(tmp_path: Path, rows: int) -> None:
    path = tmp_path / "a.jsonl"
    lines = [
        '{"a": 1, "b": " x ", "c": true}', "", '{"b": "é", "a": 1.50}', '{"a": NaN, "b": null}',
        '{"a": -1e-5, "d": 12345678901234567890123, "c": false}', '{}',
    ]  # fmt: skip
    path.write_text("\ufeff" + "\r\n".join(lines), encoding="utf-8")
    table = read(path, rows)
    assert texts(table) == {
        "a": ["1", "1.50", "", "-1e-5", ""],
        "b": ["x", "é", "", "", ""],
        "c": ["true", "", "", "false", ""],
        "d": ["", "", "", "12345678901234567890123", ""],
    }
    assert table.lines.tolist() == [1, 3, 4, 5, 6]


@pytest.mark.parametrize(
    "line, message",
    [
        ('{"a": 1', "damaged JSON at column 8"),
        ('{"a" 1}', "damaged JSON at column 6"),
        ('{"a": 1} {', "damaged JSON at column 10: Extra data"),
        ("[1, 2]", "expected an object"),
        ("a,b", "expected an object"),
        ('{"a": [1, 2]}', "the value of `a` is a list of 2 values"),
        ('{"a": {"b": 1}}', "the value of `a` is an object"),
        ('{"a": 1, "a": 2}', "the key `a` stands twice"),
        ('{"a": "\\ud800"}', "the value of `a` is no text"),
        ('{"a": ' + "[" * 200_000, "too deep"),
        (b'{"a": "\xff"}', "this line is not UTF-8"),
        (b'{"a": "\0"}', "a NUL byte"),
    ],
)
def test_a_damaged_line(tmp_path: Path, line: str | bytes, message: str) -> None:
    path = tmp_path / "a.jsonl"
    bad = line.encode() if isinstance(line, str) else line
    path.write_bytes(b'{"a": 1}\n\n' + bad + b'\n{"a": 2}\n')
    problem = failure(path)
    assert message in problem.message
    assert problem.line == 3


@pytest.mark.parametrize(
    "text, message",
    [
        ("", "there are no rows"), ("\n \n", "there are no rows"), ("{}\n{}", "there are no rows"),
        ('{"": 1}', "a key is empty"), ('{"\\ud800": 1}', "is no text"),
        ('[{"a": 1}]', "expected an object"), ('{\n "a": 1\n}', "damaged JSON"),
    ],
)  # fmt: skip
def test_a_file_that_holds_no_rows(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "a.jsonl").write_text(text)
    assert message in failure(tmp_path / "a.jsonl").message


def test_json_lines_from_a_stream() -> None:
    stream = io.StringIO('{"a": 1}\n{"b": "x"}\n')
    assert texts(join(list(Jsonl().read(stream)))) == {"a": ["1", ""], "b": ["", "x"]}
    with pytest.raises(DataError, match="<stream>:1: this line is not UTF-8"):
        list(Jsonl().read(io.StringIO('{"a": "\udcff"}\n')))


def test_json_lines_are_known_on_stdin(
    nntrain: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "csv.yaml").write_text(CONFIG.replace("FILE", str(PENGUINS)))
    assert nntrain("fit", "csv.yaml", "-q").code == 0
    _sparse(tmp_path / "a.jsonl")
    known = nntrain("predict", PENGUINS).out
    for path in (tmp_path / "a.jsonl", PENGUINS):
        with path.open(encoding="utf-8") as stream:
            monkeypatch.setattr(sys, "stdin", stream)
            assert nntrain("predict", "-").out == known


# Parquet and Arrow


def test_types_of_columns(tmp_path: Path) -> None:
    when = datetime.datetime(2024, 1, 31, 10, 5)
    frame = polars.DataFrame(
        {
            "date": [when.date(), None],
            "time": [when, when.replace(microsecond=120)],
            "zone": polars.Series([when, None]).dt.replace_time_zone("UTC"),
            "clock": [when.time(), None],
            "whole": [2**63 - 1, None],
            "single": polars.Series([0.1, 2.5], dtype=polars.Float32),
            "double": [0.1 + 0.2, None],
            "nan": [float("nan"), 1.0],
            "truth": [True, None],
            "text": [" x ", "é"],
            "category": polars.Series(["a", "b"], dtype=polars.Categorical),
            "choice": polars.Series(["a", "b"], dtype=polars.Enum(["a", "b"])),
            "decimal": polars.Series(["1.50", "2"]).cast(polars.Decimal(10, 2)),
            "nothing": [None, None],
        }
    )
    frame.write_parquet(tmp_path / "a.parquet")
    frame.write_ipc(tmp_path / "a.arrow")
    for name in ("a.parquet", "a.arrow"):
        for rows in (1, 2):
            table = read(tmp_path / name, rows)
            assert table.place(1) == "row 2"
            assert texts(table) == {
                "date": ["2024-01-31", ""],
                "time": ["2024-01-31T10:05:00", "2024-01-31T10:05:00.000120"],
                "zone": ["2024-01-31T10:05:00+00:00", ""],
                "clock": ["10:05:00", ""],
                "whole": ["9223372036854775807", ""],
                "single": ["0.1", "2.5"],
                "double": ["0.30000000000000004", ""],
                "nan": ["", "1.0"],
                "truth": ["true", ""],
                "text": ["x", "é"],
                "category": ["a", "b"],
                "choice": ["a", "b"],
                "decimal": ["1.50", "2.00"],
                "nothing": ["", ""],
            }


def test_doubles_come_back_to_the_bit(tmp_path: Path) -> None:
    numbers = np.random.default_rng(0).integers(0, 2**64, 4000, dtype=np.uint64).view(np.float64)
    numbers = numbers[np.isfinite(numbers)]
    polars.DataFrame({"x": numbers}).write_parquet(tmp_path / "a.parquet")
    found = read(tmp_path / "a.parquet", 999).columns["x"].astype(np.float64)
    np.testing.assert_array_equal(found.view(np.uint64), numbers.view(np.uint64))


def test_columns_that_are_not_single_values(tmp_path: Path) -> None:
    odd = {"list": [[1]], "struct": [{"x": 1}], "bytes": [b"a"], "fine": [1]}
    polars.DataFrame(odd).write_parquet(tmp_path / "a.parquet")
    message = failure(tmp_path / "a.parquet").message
    assert "`list (List(Int64))`" in message and "`bytes (Binary)`" in message
    assert "struct" in message and "fine" not in message


@pytest.mark.parametrize("ending", ["parquet", "arrow"])
def test_damaged_tables(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"a.{ending}"
    WRITERS["d.parquet" if ending == "parquet" else "g.arrow"](path)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    assert "damaged or cut off" in failure(path).message
    path.write_bytes(b"island,species\nBiscoe,Gentoo\n")
    assert "it begins with 69 73 6c 61" in failure(path).message
    path.write_bytes(b"")
    assert "it begins with nothing" in failure(path).message
    empty = _frame().clear()
    empty.write_parquet(path) if ending == "parquet" else empty.write_ipc(path)
    assert failure(path).message == "there are no rows"
    path.unlink()
    assert failure(path).message == "there is no such file"


def test_a_stream_of_arrow_is_no_file(tmp_path: Path) -> None:
    _frame().write_ipc_stream(tmp_path / "a.arrow")
    assert "write_ipc" in failure(tmp_path / "a.arrow").hint


def test_letters_of_patterns_in_the_name(tmp_path: Path) -> None:
    WRITERS["d.parquet"](tmp_path / "a[1].parquet")
    assert len(read(tmp_path / "a[1].parquet")) == 344


def test_without_polars(nntrain: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    WRITERS["d.parquet"](tmp_path / "a.parquet")
    (tmp_path / "c.yaml").write_text(CONFIG.replace("FILE", "a.parquet"))
    monkeypatch.setitem(sys.modules, "polars", None)
    found = nntrain("fit", "c.yaml")
    assert found.code == MachineError.exit_code
    assert 'python -m pip install "nntrain[tables]"' in found.err
