"""Large files: what is converted into files and mapped gives the bits of what is in memory."""

from __future__ import annotations

import gzip
import io
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nntrain import rng, room
from nntrain.config import load
from nntrain.data import blocks, cache, memory, parts, reading, survey
from nntrain.data.dataset import Dataset
from nntrain.data.quick import TextCells, polars_cells, quick_numbers
from nntrain.data.report import Report
from nntrain.data.settings import Categorical, Data, Numeric, Preprocessing, Split, TargetScale
from nntrain.data.sources import Csv
from nntrain.data.split import drawn, split
from nntrain.data.statistics import deviation, filled, median
from nntrain.data.stored import Columns
from nntrain.display import reading as display
from nntrain.display.printer import Printer
from nntrain.errors import ConfigError, DataError, MachineError
from nntrain.families import Goal
from nntrain.run.run import Run
from nntrain.run.trained import open_run
from nntrain.training.evaluate import evaluate
from nntrain.training.fit import fit

SEEDS = range(40)


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[], None]:
    """From when it is called, everything is large."""
    monkeypatch.setenv("NNTRAIN_CACHE", str(tmp_path / "cache"))

    def begin() -> None:
        monkeypatch.setattr(room, "LARGE", 100)
        monkeypatch.setattr(room, "STRETCH", 7)
        monkeypatch.setattr(rng, "BUCKET", 16)
        monkeypatch.setattr(parts, "PIECE_BYTES", 500)
        monkeypatch.setattr(survey, "BLOCK_BYTES", 300)
        monkeypatch.setattr(reading, "SMALL", 0)
        monkeypatch.setattr(memory, "LARGE_FILE", 0)
        monkeypatch.setattr(memory, "LARGE_TABLE", 0)

    return begin


def table(seed: int) -> str:
    """A CSV file of any sort: numbers, names, missing cells, quotes, ends of lines, oddities."""
    random = np.random.default_rng(seed)
    n = int(random.integers(20, 200))
    columns: dict[str, list[str]] = {}
    for j in range(int(random.integers(2, 7))):
        kind = random.choice(["short", "long", "whole", "names", "ids", "mixed", "constant"])
        x = random.normal(size=n) * 10.0 ** random.integers(-5, 6)
        cells: list[str] = {
            "short": [f"{v:.3f}" for v in x],
            "long": [repr(v) for v in x.tolist()],
            "whole": random.integers(-5, 5, n).astype(str).tolist(),
            "names": random.choice(["a", "Bé", "cc c"], n).tolist(),
            "ids": [f"row {j} {i}" for i in range(n)],
            "mixed": random.choice(["1", "1.0", "x", "y", "z"], n).tolist(),
            "constant": ["3"] * n,
        }[str(kind)]
        odd = ["", " 7 "] + ["NA", "-999"] * bool(seed % 3) + ["?"] * (seed % 8 == 7)
        if random.random() < 0.4:
            for row in random.integers(0, n, 3):
                cells[row] = str(random.choice(odd))
        columns[f"c{j}"] = cells
    columns["y"] = (
        random.choice(["yes", "no", "maybe"], n).tolist()
        if seed % 2
        else [f"{v:.4f}" for v in random.normal(size=n)]
    )
    if seed % 5 == 0:
        columns["y"][int(random.integers(n))] = ""
    if seed % 7 == 3:
        columns["c0"] = [f'"{cell}"' for cell in columns["c0"]]
    rows = [",".join(row) for row in zip(*columns.values(), strict=True)]
    if seed % 6 == 4:
        rows.insert(n // 2, "")
    end = "\r\n" if seed % 4 == 1 else "\n"
    return end.join([",".join(columns), *rows]) + (end if seed % 3 else "")


def settings(seed: int) -> Data:
    return Data(
        path="x",
        target="y",
        na_values=("NA", "-999") if seed % 3 else (),
        preprocessing=Preprocessing(
            Numeric(
                impute=("median", "mean", "most_frequent")[seed % 3],
                scale=("standard", "min_max", "none")[seed // 3 % 3],
            ),
            Categorical(impute="category" if seed % 2 else "most_frequent"),
            target=TargetScale(),
        ),
        split=Split(stratify=bool(seed % 4)),
    )


def loaded(path: Path, data: Data, goal: Goal) -> Any:
    """Everything that comes of a file as plain values, or the error."""
    try:
        found = Dataset.load(data, path, goal, seed=3)
    except DataError as error:
        return str(error)
    arrays = {
        (name, field.name): np.asarray(getattr(part, field.name)).tobytes()
        for name, part in found.parts.items()
        for field in fields(part)
        if isinstance(getattr(part, field.name), np.ndarray)
    }
    return arrays, found.preprocessor, found.columns, found.notes, found.sha256


@pytest.fixture(params=["plain", "polars"])
def both_ways(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the extra `tables`, and with it."""
    if request.param == "plain":
        monkeypatch.setattr(blocks, "has_polars", lambda: False)
    else:
        pytest.importorskip("polars")


@pytest.mark.usefixtures("both_ways")
@pytest.mark.parametrize("seed", SEEDS)
def test_mapped_columns_give_the_bits_of_those_in_memory(
    seed: int, tiny: Callable[[], None], tmp_path: Path
) -> None:
    path, data = tmp_path / "table.csv", settings(seed)
    path.write_text(table(seed), encoding="utf-8", newline="")
    goal: Goal = "classes" if seed % 2 else "numbers"
    known = loaded(path, data, goal)
    tiny()
    assert isinstance(reading.read(data, path, goal).columns, Columns)
    assert loaded(path, data, goal) == known
    assert loaded(path, data, goal) == known  # out of the cache


def test_most_tables_of_the_property_can_be_learned_from(tmp_path: Path) -> None:
    """Else it would compare errors alone."""
    good = 0
    for seed in SEEDS:
        path = tmp_path / f"{seed}.csv"
        path.write_text(table(seed), encoding="utf-8", newline="")
        found = loaded(path, settings(seed), "classes" if seed % 2 else "numbers")
        good += not isinstance(found, str)
    assert good > len(SEEDS) / 2


def write(path: Path, rows: int = 500, head: str = "a,b,y") -> Path:
    random, names = np.random.default_rng(1), head.split(",")
    lines = [",".join(map(repr, row)) for row in random.normal(size=(rows, len(names))).tolist()]
    path.write_text("\n".join([head, *lines]) + "\n")
    return path


@pytest.mark.parametrize(
    "data",
    [
        Data(path="x"),
        Data(path="x", target=("a", "y")),
        Data(path="x", target="y", split=Split(by="time", test=0.3)),
        Data(path="x", target="y", split=Split(validation=0, test=3)),
        Data(path="x", target="y", preprocessing=Preprocessing(target=TargetScale(scale="none"))),
    ],
)
def test_other_targets_and_splits(data: Data, tiny: Callable[[], None], tmp_path: Path) -> None:
    path = write(tmp_path / "table.csv")
    known = loaded(path, data, "numbers")
    assert not isinstance(known, str)
    tiny()
    assert loaded(path, data, "numbers") == known


def test_windows_and_a_file_of_the_test(tiny: Callable[[], None], tmp_path: Path) -> None:
    path, other = write(tmp_path / "table.csv"), write(tmp_path / "test.csv", 90)
    config: dict[str, Any] = {"path": "x", "target": "y", "test_path": "test.csv"}
    for more in ({}, {"window": {"length": 5}}):
        data = Data(**config, window=reading_window(more))
        known = Dataset.load(data, path, "numbers", 0, test_path=other)
        tiny()
        found = Dataset.load(data, path, "numbers", 0, test_path=other)
        for name, part in known.parts.items():
            np.testing.assert_array_equal(part.x, found.parts[name].x)
            np.testing.assert_array_equal(part.raw, found.parts[name].raw)


def reading_window(more: dict[str, Any]) -> Any:
    from nntrain.data.settings import Window

    return Window(**more["window"]) if more else None


def test_long_permutations_are_short_ones(tiny: Callable[[], None]) -> None:
    known = {n: rng.permutation(n, 5, "shuffle", 2) for n in (13, 100, 1000, 5000)}
    tiny()
    for n, order in known.items():
        np.testing.assert_array_equal(rng.permutation(n, 5, "shuffle", 2), order)


def test_statistics_have_numpys_bits(tiny: Callable[[], None]) -> None:
    tiny()
    for n in (20, 21, 777):
        values = np.random.default_rng(n).normal(size=n) * 1e3 + 1e6
        assert deviation(values) == values.std()
        assert median(values) == np.median(values)
        values[3] = np.nan
        np.testing.assert_array_equal(filled(values, 2.5), np.where(np.isnan(values), 2.5, values))
        np.testing.assert_array_equal(room.numbered(values > 0), np.flatnonzero(values > 0))
    np.testing.assert_array_equal(room.counted(100), np.arange(100))


def test_rows_are_drawn_as_one_would_by_hand() -> None:
    """Row by row in the order: to the first part of its group that is not full yet."""
    random = np.random.default_rng(0)
    group = random.integers(0, 4, 300)
    counts = np.stack([np.bincount(group) - 25, np.full(4, 10), np.full(4, 15)])
    order, left = random.permutation(300), counts.copy()
    wanted = np.empty(300, int)
    for row in order:
        wanted[row] = part = int((left[:, group[row]] > 0).argmax())
        left[part, group[row]] -= 1
    np.testing.assert_array_equal(drawn(order, group, counts), wanted)
    assert sum(map(len, split(300, group, Split(by="random"), 0))) == 300


def odd_floats() -> list[str]:
    """As text: any bits, any number of decimals, and what only looks odd."""
    random = np.random.default_rng(0)
    words = random.integers(0, 2**64, 3000, dtype=np.uint64).view(np.float64)
    texts = [repr(v) for v in words.tolist() if np.isfinite(v)]
    texts += ["1e400", "-0", ".5", "5.", "+3", "1E5", "inf", "nan", "4.9e-324", "2.5e-324"]
    values = (random.normal(size=990) * 99).tolist()
    texts += [f"{v:.{i % 30}f}" for i, v in enumerate(values)]
    return texts[: len(texts) // 3 * 3]


@pytest.mark.parametrize("way", ["plain", "polars"])
def test_quick_numbers_are_pythons_floats(way: str) -> None:
    texts = odd_floats()
    content = "\n".join(",".join(texts[i : i + 3]) for i in range(0, len(texts), 3)).encode()
    rows = len(texts) // 3
    if way == "plain":
        quick = quick_numbers(content, ",", (rows, 3))
    else:
        pytest.importorskip("polars")
        quick = polars_numbers(content, rows)
    assert quick is not None
    found = np.asarray(quick)
    wanted = np.array(list(map(float, texts))).reshape(-1, 3).T
    np.testing.assert_array_equal(found, wanted)
    np.testing.assert_array_equal(np.signbit(found), np.signbit(wanted))


def polars_numbers(content: bytes, rows: int) -> Any:
    """The cells of three columns of numbers by column."""
    found = polars_cells(content, ",", rows, [False] * 3, ())
    return None if found is None else np.stack([np.asarray(cells) for cells in found])


def test_polars_is_not_asked_for_what_it_reads_otherwise() -> None:
    pytest.importorskip("polars")
    nan = np.nan
    found = polars_numbers(b",1,\r\n,,\r\n2,,3\r\n", 3)
    np.testing.assert_array_equal(found, np.array([[nan, 1, nan], [nan, nan, nan], [2, nan, 3]]).T)
    wrong = [b"1,x,3\n", b"1_0,2,3\n", b"1,2\n", b"1,2,3,4\n", b"1,2,3\n\n", b"1,2,3\n4,5\n"]
    for odd in [*wrong, b"1,2,3\n4,5\n6,7,8,9\n", b"1,2,\xff\n", b"1,2,true\n", b"1,\r,3\n"]:
        assert polars_numbers(odd, odd.count(b"\n")) is None, odd
    cells = polars_cells("é , b\n,\nb,é\n".encode(), ",", 3, [True, True], ())
    assert cells is not None
    first, second = cells
    assert isinstance(first, TextCells)
    assert isinstance(second, TextCells)
    assert (first.codes.tolist(), first.content.decode()) == ([0, 1, 2], '["é","","b"]')
    assert (second.codes.tolist(), second.content.decode()) == ([0, 1, 2], '["b","","é"]')
    for odd in (b"a\0,b\n", b"a,b\rc\n", b"\xff,b\n"):
        assert polars_cells(odd, ",", 1, [True, True], ()) is None


def test_quick_numbers_fill_empty_cells_and_leave_the_rest_alone() -> None:
    found = quick_numbers(b",1,\r\n,,\r\n2,,3\r\n", ",", (3, 3))
    nan = np.nan
    assert found is not None
    np.testing.assert_array_equal(found, np.array([[nan, 1, nan], [nan, nan, nan], [2, nan, 3]]).T)
    wrong = [b"1,x,3\n", b"1_0,2,3\n", b"1,2\n", b"1,2,3,4\n", b"1,2,3\n\n4,5,6\n"]
    for odd in [*wrong, b'"1",2,3\n']:
        assert quick_numbers(odd, ",", (odd.count(b"\n"), 3)) is None, odd


def folders(place: Path) -> list[Path]:
    return sorted((place / "cache" / "tables").iterdir())


def test_a_table_is_converted_once(tiny: Callable[[], None], tmp_path: Path) -> None:
    path, data = write(tmp_path / "table.csv"), Data(path="x", target="y")
    tiny()
    reading.read(data, path, "numbers")
    (folder,) = folders(tmp_path)
    before = (folder / "0.cells").stat().st_mtime_ns
    reading.read(data, path, "numbers")
    assert (folder / "0.cells").stat().st_mtime_ns == before
    write(path, 501)  # other bytes are another table
    assert len(reading.read(data, path, "numbers")) == 501
    assert len(folders(tmp_path)) == 2
    assert {entry.name for entry in tmp_path.iterdir()} == {"table.csv", "cache"}


@pytest.mark.parametrize("what", ["header", "shorter", "longer", "gone", "empty"])
def test_a_damaged_table_is_converted_anew(
    what: str, tiny: Callable[[], None], tmp_path: Path
) -> None:
    path, data = write(tmp_path / "table.csv"), Data(path="x", target="y")
    tiny()
    known = np.array(reading.read(data, path, "numbers").columns["b"])
    (folder,) = folders(tmp_path)
    header, cells = folder / cache.HEADER, folder / "1.cells"
    if what == "header":
        header.write_text(header.read_text().replace('"rows": 500', '"rows": 400'))
    elif what == "gone":
        cells.unlink()
    elif what == "empty":
        header.write_text("")
    else:
        content = cells.read_bytes()
        cells.write_bytes(content[:-8] if what == "shorter" else content + bytes(8))
    found = reading.read(data, path, "numbers")
    assert len(found) == 500
    np.testing.assert_array_equal(found.columns["b"], known)
    assert cache.open_table(folder, ["x"]) is not None  # it is mended


def test_without_a_cache_nothing_stays(tiny: Callable[[], None], tmp_path: Path) -> None:
    path = write(tmp_path / "table.csv")
    tiny()
    table = reading.read(Data(path="x", target="y", cache="never"), path, "numbers")
    assert folders(tmp_path) == []
    assert len(np.unique(table.columns["a"])) == 500


@pytest.mark.parametrize("error", [KeyboardInterrupt, MachineError])
def test_what_is_stopped_half_way_leaves_nothing(
    error: type[BaseException], tiny: Callable[[], None], tmp_path: Path
) -> None:
    path = write(tmp_path / "table.csv")
    tiny()

    def stop(what: Any) -> None:
        if isinstance(what, reading.Converting) and what.done > 0.7 * what.total:
            raise error

    with pytest.raises(error), reading.telling(stop):
        reading.read(Data(path="x", target="y"), path, "numbers")
    assert folders(tmp_path) == []


def test_a_full_disk_is_the_machines_fault(
    tiny: Callable[[], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "table.csv")
    tiny()

    def full(*_: Any) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "pwrite", full)
    with pytest.raises(MachineError, match=r"no space for .* `NNTRAIN_CACHE=FOLDER`"):
        reading.read(Data(path="x", target="y"), path, "numbers")
    assert folders(tmp_path) == []
    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(MachineError, match="no space"):
        room.empty((1000,))


def test_a_place_that_can_not_be_written(tiny: Callable[[], None], tmp_path: Path) -> None:
    path = write(tmp_path / "table.csv")
    tiny()
    (tmp_path / "cache").write_text("a file, no folder")
    with pytest.raises(MachineError, match="names another place"):
        reading.read(Data(path="x", target="y"), path, "numbers")
    assert room.empty((1000,)).shape == (1000,)  # then in memory


def test_several_at_once(tiny: Callable[[], None], tmp_path: Path) -> None:
    """All get the table, and one is kept."""
    path, data = write(tmp_path / "table.csv", 2000), Data(path="x", target="y")
    known = np.array(reading.read(data, path, "numbers").columns["a"]).astype(np.float64)
    tiny()
    found: list[Any] = []

    def convert() -> None:
        found.append(reading.read(data, path, "numbers").columns["a"])

    threads = [threading.Thread(target=convert) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    for cells in found:
        np.testing.assert_array_equal(cells, known)
    assert len(folders(tmp_path)) == 1


def test_old_tables_go_where_there_are_too_many(
    tiny: Callable[[], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, data = tmp_path / "table.csv", Data(path="x", target="y")
    tiny()
    monkeypatch.setattr(cache, "MOST_BYTES", 50_000)  # one of these tables takes 16 kB
    for rows in range(500, 506):
        reading.read(data, write(path, rows), "numbers")
    kept = folders(tmp_path)
    assert len(kept) == 3
    half = tmp_path / "cache" / "tables" / "half-old"
    half.mkdir()
    os.utime(half, (0, 0))
    reading.read(data, write(path, 507), "numbers")
    assert half not in folders(tmp_path)


def test_a_table_that_takes_too_much_memory_goes_into_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NNTRAIN_CACHE", str(tmp_path / "cache"))
    path = write(tmp_path / "table.csv", 3000)
    monkeypatch.setattr(memory, "STORED", 200_000)
    told: list[Any] = []
    with reading.telling(told.append):
        small = reading.read(Data(path="x", target="y", max_memory="200 kB"), path, "numbers")
        large = reading.read(Data(path="x", target="y", max_memory="1 MB"), path, "numbers")
    assert isinstance(small.columns, Columns)
    assert not isinstance(large.columns, Columns)
    shape = r"about [23],\d\d\d rows of 3 columns"
    first, *_, last = (str(what) for what in told if isinstance(what, memory.Estimate))
    assert_match(
        rf"table.csv: 177 kB, {shape}, takes at most 200 kB of memory and 144 kB of disk", first
    )
    assert_match(rf"table.csv: 177 kB, {shape}, takes about 324 kB of memory", last)
    with pytest.raises(DataError, match=r"takes about 200 kB of memory, .* is 100 kB") as found:
        reading.read(Data(path="x", target="y", max_memory="100 kB"), path, "numbers")
    assert "max_memory: 240 kB" in str(found.value)


def assert_match(pattern: str, text: str) -> None:
    assert re.match(pattern, text), text


def test_arrays_that_take_too_much_are_refused_before_they_are_read(tmp_path: Path) -> None:
    path = tmp_path / "x.npy"
    np.save(path, np.zeros((1000, 3), np.float32))
    with pytest.raises(DataError, match=r"takes about 36 kB of memory, .* is 20 kB"):
        reading.read(Data(path=str(path), max_memory="20 kB"), path, "numbers")


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("500 MB", 500e6),
        ("2GB", 2e9),
        ("1.5 gb", 1.5e9),
        ("4 KiB", 4096),
        ("500", None),
        ("x", None),
    ],
)
def test_sizes(text: str, size: float | None) -> None:
    assert memory.bytes_of(text) == size


def test_blocks_are_whole_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(survey, "BLOCK_BYTES", 64)
    for end in ("\n", ""):
        path = tmp_path / "table.csv"
        path.write_text("a,b\n" + "\n".join(f"{i},{'x' * (i % 150)}" for i in range(400)) + end)
        content = path.read_bytes()
        found = survey.survey(path, 4, lambda done, total: None)
        pieces = [content[block.first_byte : block.last_byte] for block in found.blocks]
        assert b"".join(pieces) == content[4:]
        assert [block.row for block in found.blocks] == [
            sum(block.rows for block in found.blocks[:i]) for i in range(len(found.blocks))
        ]
        for block, piece in zip(found.blocks, pieces, strict=True):
            assert block.rows == len(piece.splitlines())
    path.write_text(f"a,b\n1,{'x' * 300}\n")  # a line of five blocks
    assert not survey.survey(path, 4, lambda done, total: None).quick
    path.write_text('a,b\n1,"x\ny"\n')
    assert not survey.survey(path, 4, lambda done, total: None).quick


SHARED = """
import sys
from pathlib import Path
import numpy as np
from nntrain.data import blocks, memory, reading, survey
from nntrain.data.settings import Data
blocks.has_polars = lambda: False
survey.BLOCK_BYTES, reading.SMALL, memory.LARGE_FILE = 2000, 0, 0
assert blocks.processes() == int(sys.argv[2])
table = reading.read(Data(path="x", target="y"), Path(sys.argv[1]), "classes")
for name in table.columns:
    print(name, table.columns[name].tolist())
print(table.lines.tolist())
"""


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="a matter of Linux")
def test_processes_that_share_the_work_find_the_same(tmp_path: Path) -> None:
    path, count = tmp_path / "table.csv", min(8, len(os.sched_getaffinity(0)))
    random = np.random.default_rng(2)
    rows = [
        f"{v!r},{random.choice(['p', 'q', ''])},{i % 3}"
        for i, v in enumerate(random.normal(size=900).tolist())
    ]
    path.write_text("\n".join(["a,b,y", *rows]))
    environment = {
        **os.environ,
        "NNTRAIN_CACHE": str(tmp_path / "cache"),
        "OPENBLAS_NUM_THREADS": "1",
    }
    shared = subprocess.run(
        [sys.executable, "-c", SHARED, str(path), str(count)],
        check=True, env=environment, capture_output=True, text=True,
    )  # fmt: skip
    table = Csv().read(path)
    (whole,) = table
    wanted = [f"{name} {cells.tolist()}" for name, cells in whole.columns.items()]
    wanted[0] = f"a {whole.columns['a'].astype(np.float64).tolist()}"
    assert shared.stdout.splitlines() == [*wanted, str(whole.lines.tolist())]


STOPPED = """
import signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)  # which a job in the background ignores
from pathlib import Path
from nntrain.data import blocks, memory, reading, survey
from nntrain.data.settings import Data
blocks.has_polars = lambda: False
survey.BLOCK_BYTES, reading.SMALL, memory.LARGE_FILE = 2000, 0, 0
outcome = blocks._outcome
def slowly(*given):
    time.sleep(0.2)
    return outcome(*given)
blocks._outcome = slowly
def tell(what):
    print(what, flush=True)
with reading.telling(tell):
    reading.read(Data(path="x", target="y"), Path(sys.argv[1]), "numbers")
"""


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="a matter of Linux")
@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_processes_that_are_stopped_leave_nothing(sign: signal.Signals, tmp_path: Path) -> None:
    """As Ctrl-C does it: the signal goes to all of them."""
    path = write(tmp_path / "table.csv", 3000)
    words = [sys.executable, "-c", STOPPED, str(path)]
    environment = {**os.environ, "NNTRAIN_CACHE": str(tmp_path / "cache")}
    environment["OPENBLAS_NUM_THREADS"] = "1"
    with subprocess.Popen(
        words, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        start_new_session=True, text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        for line in process.stdout:
            numbers = [int(word) for word in re.findall(r"(?:done|total)=(\d+)", line)]
            if numbers and 2 * numbers[0] > numbers[1]:  # the first block is done
                break
        if sign == signal.SIGINT:
            os.killpg(process.pid, sign)
        else:
            process.send_signal(sign)
        process.stdout.read()
        process.wait(20)
    assert process.returncode
    if sign == signal.SIGINT:
        assert folders(tmp_path) == []
    else:  # it ended at once; what it left is known as half
        assert all(folder.name.startswith("half-") for folder in folders(tmp_path))
    for _ in range(100):  # and its children end by themselves
        if not sessions(process.pid):
            break
        time.sleep(0.1)
    assert not sessions(process.pid)


def sessions(session: int) -> list[str]:
    """The processes of a session."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields_of = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields_of[3]) == session and fields_of[0] != "Z":
            found.append(stat.parent.name)
    return found


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


def test_a_bar_in_a_terminal_and_lines_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    steps: list[Any] = [reading.Converting("/x/table.csv", done, 100) for done in (0, 30, 60, 100)]
    found = memory.Estimate("/x/table.csv", 2_000_000_000, 10**7, 20, 300_000_000, 10**9, True)

    def show(stream: io.StringIO, *, quiet: bool = False) -> str:
        before = threading.active_count()
        with display.reading(Printer(stream, quiet=quiet)):
            for what in (found, *steps):
                reading._TELL.get()(what)
            assert threading.active_count() == before  # which would keep it from forking
        return stream.getvalue()

    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(display, "EVERY", 0.0)
    monkeypatch.setattr(display, "REFRESH", 0.0)
    told = (
        "table.csv: 2 GB, about 10,000,000 rows of 20 columns, takes at most 300 MB of memory "
        "and 1 GB of disk"
    )
    lines = show(io.StringIO()).splitlines()
    assert lines == [
        told, "looking at table.csv: 0%", "looking at table.csv: 30%",
        "converting table.csv: 60%", "converting table.csv: 100%",
    ]  # fmt: skip
    seen = show(Terminal())
    assert seen.startswith(told)
    assert "converting table.csv" in seen
    assert "━" in seen
    assert show(Terminal(), quiet=True) == ""
    assert reading._TELL.get() is not None  # back to silence
    reading._TELL.get()(steps[0])


def test_a_size_that_is_none_is_told_with_its_place(tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text(
        "data: {path: x.csv, target: y, max_memory: lots}\nloss: mean_squared_error\n"
        "model: {layers: [{type: dense, units: auto}]}\n"
    )
    with pytest.raises(ConfigError, match=r"config.yaml:1:44: .*expected a size such as `500 MB`"):
        load(config)


def test_what_is_learned_from_files_is_used_as_from_memory(
    tiny: Callable[[], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """fit, eval and eval of other rows: the same model and scores."""
    path = write(tmp_path / "table.csv", 400)
    other = write(tmp_path / "other.csv", 150)
    config = tmp_path / "config.yaml"
    config.write_text(
        f"data: {{path: {path}, target: y}}\nloss: mean_squared_error\n"
        "model: {layers: [{type: dense, units: 4}, {type: dense, units: auto}]}\n"
        "trainer: {max_epochs: 2, batch_size: 32}\n"
    )
    loaded_config = load(config)
    found = []
    for name in ("memory", "files"):
        if name == "files":
            tiny()
        dataset = Dataset.load(loaded_config.experiment.data, path, "numbers", 0)
        run = Run.start(loaded_config, dataset, tmp_path / name)
        list(fit(run))
        trained = open_run(str(tmp_path / name))
        scores = [
            evaluate(trained.model, trained.rows(split, data, Report())[0])
            for split, data in (("test", None), ("train", None), ("", other))
        ]
        found.append((trained.file.read_bytes(), scores))
    assert found[0] == found[1]


def test_a_large_array_is_mapped_and_learned_from_as_a_small_one(
    tiny: Callable[[], None], tmp_path: Path
) -> None:
    path = tmp_path / "x.npy"
    np.save(path, np.random.default_rng(0).integers(0, 255, (90, 5, 4), dtype=np.uint8))
    known = loaded(path, Data(path=str(path)), "numbers")
    assert not isinstance(known, str)
    tiny()
    cells = reading.read(Data(path=str(path)), path, "numbers").columns["x"]
    assert not cells.flags.owndata
    assert not cells.flags.writeable  # the file itself
    assert loaded(path, Data(path=str(path)), "numbers") == known
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(DataError, match="no whole file of NumPy's"):
        reading.read(Data(path=str(path)), path, "numbers")
    np.save(path, np.array([{}] * 900, dtype=object))
    with pytest.raises(DataError, match="pickled objects"):
        reading.read(Data(path=str(path)), path, "numbers")


@pytest.mark.usefixtures("both_ways")
@pytest.mark.parametrize("oddity", ["", "order", "quotes", "empty line", "packed", "format"])
def test_several_files_are_one_table(oddity: str, tiny: Callable[[], None], tmp_path: Path) -> None:
    """By blocks where all of them are plain, else in order; each row knows its file and line."""
    paths = [write(tmp_path / f"{i}.csv", 40 + 30 * i) for i in range(3)]
    text = paths[1].read_text()
    if oddity == "order":
        rows = [line.split(",") for line in text.splitlines()]
        paths[1].write_text("\n".join(",".join([c, a, b]) for a, b, c in rows))
    elif oddity == "quotes":
        paths[1].write_text(text.replace("-", '"-', 1).replace(",", '",', 3).replace('",', ",", 2))
        paths[1].write_text("a,b,y\n" + '"1",2,3\n' * 30)
    elif oddity == "empty line":
        paths[1].write_text(text + "\n" + text.splitlines()[1] + "\n")
    elif oddity == "packed":
        paths[1] = tmp_path / "1.csv.gz"
        paths[1].write_bytes(gzip.compress(text.encode()))
    elif oddity == "format":
        paths[2].write_text(paths[2].read_text().replace(",", ";"))
    data = Data(path="x", target="y")

    def found() -> Any:
        try:
            table = reading.read(data, paths, "numbers")
            places = [(table.file_of(row), table.place(row)) for row in range(len(table))]
            dataset = Dataset.load(data, paths, "numbers", 0)
        except DataError as error:
            return str(error)
        arrays = [
            np.asarray(getattr(part, name)).tobytes()
            for part in dataset.parts.values()
            for name in ("x", "target", "raw", "rows")
        ]
        plain = dataset.preprocessor, dataset.notes, dataset.sha256, dataset.path, table.empty
        return places, arrays, plain, table.file

    known = found()
    tiny()
    assert found() == known
    assert found() == known
    assert isinstance(known, str) == (oddity == "format")


def as_json_lines(path: Path, names: Sequence[str], rows: Sequence[Sequence[str]]) -> Path:
    lines = [json.dumps(dict(zip(names, row, strict=True))) for row in rows]
    path = path.with_suffix(".jsonl")
    path.write_text("\n".join(lines) + "\n")
    return path


def as_frame(path: Path, names: Sequence[str], rows: Sequence[Sequence[str]], kind: str) -> Path:
    polars = pytest.importorskip("polars")
    frame = polars.DataFrame(list(rows), schema=list(names), orient="row")
    numbers = [name for name in names if name not in ("word", "y")]
    frame = frame.with_columns(polars.col(name).cast(polars.Float64) for name in numbers)
    path = path.with_suffix(f".{kind}")
    getattr(frame, {"parquet": "write_parquet", "arrow": "write_ipc"}[kind])(path)
    return path


@pytest.mark.parametrize("kind", ["jsonl", "parquet", "arrow"])
@pytest.mark.parametrize("seed", range(3))
def test_other_tables_are_converted_to_the_same_bits(
    kind: str, seed: int, tiny: Callable[[], None], tmp_path: Path
) -> None:
    random, names = np.random.default_rng(seed), ("a", "b", "word", "y")
    words, classes = random.choice(["é", "x y", "z"], 300), random.choice(["yes", "no"], 300)
    rows = [
        (repr(a), repr(round(b, 3)), str(word), str(y))
        for (a, b), word, y in zip(
            random.normal(size=(300, 2)).tolist(), words, classes, strict=True
        )
    ]
    path = (
        as_json_lines(tmp_path / "rows", names, rows)
        if kind == "jsonl"
        else as_frame(tmp_path / "rows", names, rows, kind)
    )
    data = Data(path=path.name, target="y")
    known = loaded(path, data, "classes")
    assert not isinstance(known, str), known
    tiny()
    assert isinstance(reading.read(data, path, "classes").columns, Columns)
    assert loaded(path, data, "classes") == known
    assert loaded(path, data, "classes") == known  # out of the cache
