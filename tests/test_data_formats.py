"""npz, npy, idx and ts: what is read, and what is said of files that are damaged."""

from __future__ import annotations

import gzip
import io
import mmap
import struct
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest

from nntrain import room
from nntrain.data.formats import Csv, Idx, Npy, Npz, Ts, by_ending
from nntrain.data.table import Table, join
from nntrain.errors import DataError
from nntrain.families import Array, Source
from tests.conftest import ROOT, Command

VOWELS = ROOT / "datasets" / "japanese-vowels-train.ts"
FASHION = ROOT / "datasets" / "fashion-mnist-2500-images-idx3-ubyte.gz"


def read(path: Path, rows_at_a_time: int = 32768, source: Source | None = None) -> Table:
    return join(list((source or by_ending(str(path))).read(path, rows_at_a_time)))


def failure(path: Path, source: Source | None = None) -> tuple[str, int, str]:
    with pytest.raises(DataError) as caught:
        read(path, source=source)
    problem = caught.value.problem
    assert problem.file.startswith(str(path.parent))
    assert len(str(caught.value).splitlines()) <= 6
    return problem.message, problem.line, problem.hint


@pytest.mark.parametrize(
    "name, source",
    [
        ("a.csv", Csv()),
        ("a.CSV.gz", Csv()),
        ("a.tsv", Csv(delimiter="\t")),
        ("a", Csv()),
        ("folder.npz/a.dat", Csv()),
        ("a.npz", Npz()),
        ("a.npy", Npy()),
        ("a_TRAIN.ts", Ts()),
        ("train-images-idx3-ubyte", Idx()),
        ("train-images.idx3-ubyte.gz", Idx()),
        ("a.idx", Idx()),
    ],
)
def test_formats_by_ending(name: str, source: Source) -> None:
    assert by_ending(name) == source


# CSV that is packed


def test_a_packed_table(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv.gz"
    path.write_bytes(gzip.compress(b"a,b\n1,2\n3,4\n"))
    assert read(path).columns["b"].tolist() == ["2", "4"]


@pytest.mark.parametrize("keep", [5, 25, -6])
def test_a_packed_table_that_is_cut_off(tmp_path: Path, keep: int) -> None:
    path = tmp_path / "rows.csv.gz"
    packed = gzip.compress("\n".join(["a,b", *(f"{i},{i * i}" for i in range(999))]).encode())
    path.write_bytes(packed[:keep])
    assert "can not be unpacked" in failure(path)[0]


def test_a_table_that_is_not_packed_though_its_name_says_so(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv.gz"
    path.write_bytes(b"a,b\n1,2\n")
    assert "Not a gzipped file" in failure(path)[0]


# npz and npy


def saved(tmp_path: Path, **arrays: Any) -> Path:
    path = tmp_path / "rows.npz"
    np.savez(path, **arrays)
    return path


def test_arrays_by_name(tmp_path: Path) -> None:
    images = np.arange(40, dtype=np.uint8).reshape(5, 2, 4)
    path = saved(
        tmp_path,
        image=images,
        count=np.arange(5),
        size=np.array([0.1, np.nan, 1e-9, 3.0, 4.0], np.float32),
        name=np.array(["a", "bé", " c ", "d", ""]),
        good=np.array([True, False, True, True, False]),
    )
    table = read(path, 2)
    assert (table.columns["image"] == images).all()
    assert table.columns["image"].dtype == np.uint8
    assert table.columns["count"].tolist() == ["0", "1", "2", "3", "4"]
    assert table.columns["size"].tolist() == ["0.1", "", "1e-09", "3.0", "4.0"]
    assert table.columns["name"].tolist() == ["a", "bé", "c", "d", ""]
    assert table.columns["good"].tolist() == ["1", "0", "1", "1", "0"]
    assert (table.lines.tolist(), table.place(2)) == ([1, 2, 3, 4, 5], "row 3")


def test_one_array(tmp_path: Path) -> None:
    x = np.random.default_rng(0).normal(size=(7, 3))
    np.save(tmp_path / "rows.npy", x)
    assert (read(tmp_path / "rows.npy").columns["x"] == x).all()
    with gzip.open(tmp_path / "packed.npy.gz", "wb") as file:
        np.save(file, x)
    assert (read(tmp_path / "packed.npy.gz").columns["x"] == x).all()


@pytest.mark.parametrize("order", ["C", "F"])
def test_rows_of_a_large_file_are_mapped_by_themselves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, order: Literal["C", "F"]
) -> None:
    monkeypatch.setattr(room, "LARGE", 100)
    x = np.random.default_rng(0).normal(size=(1050, 300))
    np.save(tmp_path / "x.npy", np.array(x, order=order))
    tables = list(Npy().read(tmp_path / "x.npy", 100))
    assert (np.concatenate([table.columns["x"] for table in tables]) == x).all()
    assert [len(table) for table in tables] == [*[100] * 10, 50]
    sizes = [len(mapping(table.columns["x"])) for table in tables]
    whole, granule = x.nbytes + 128, mmap.ALLOCATIONGRANULARITY
    assert max(sizes) < 100 * x[0].nbytes + granule if order == "C" else min(sizes) == whole


def mapping(cells: Any) -> mmap.mmap:
    """What an array lies in."""
    while not isinstance(cells, mmap.mmap):
        cells = cells.base
    return cells


def test_the_other_of_the_two(tmp_path: Path) -> None:
    path = saved(tmp_path, x=np.ones(3))
    assert failure(path, Npy())[0] == "these are arrays by name, not one"
    np.save(tmp_path / "x.npy", np.ones((3, 2)))
    assert failure(tmp_path / "x.npy", Npz())[0] == "this is one array, not several by name"


@pytest.mark.parametrize(
    "arrays, message",
    [
        ({"x": np.ones((3, 2)), "y": np.ones(4)}, "different numbers of rows: `x` 3, `y` 4"),
        ({"x": np.ones((0, 2))}, "there are no rows"),
        ({}, "there are no rows"),
        ({"x": np.ones((3, 0))}, "`x` has an axis of length 0"),
        ({"x": np.float64(3)}, "`x` is one value"),
        ({"x": np.ones(3, complex)}, "`x` holds complex128 with 1 axes, expected numbers"),
        ({"x": np.array([b"a", b"b"])}, "expected numbers"),
        ({"x": np.array([["a"], ["b"]])}, "expected numbers"),
        ({"x": np.array([1, None, "a"], dtype=object)}, "pickled objects"),
    ],
)
def test_arrays_that_are_no_columns(tmp_path: Path, arrays: Any, message: str) -> None:
    assert message in failure(saved(tmp_path, **arrays))[0]


@pytest.mark.parametrize("name", ["rows.npz", "rows.npy"])
@pytest.mark.parametrize("keep", [0, 3, 40, 130, -30])
def test_files_of_numpy_that_are_cut_off(tmp_path: Path, name: str, keep: int) -> None:
    path = tmp_path / name
    array = np.random.default_rng(0).normal(size=(20, 3))
    np.savez_compressed(path, x=array) if name.endswith("z") else np.save(path, array)
    path.write_bytes(path.read_bytes()[:keep])
    assert "NumPy's" in failure(path)[0]


def test_text_is_no_file_of_numpy(tmp_path: Path) -> None:
    path = tmp_path / "rows.npz"
    path.write_text("a,b\n1,2\n")
    assert failure(path)[0] == "this is no file of NumPy's: it begins with 61 2c 62 0a 31 2c"


# idx


def idx(array: Array, code: int = 8) -> bytes:
    header = bytes([0, 0, code, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    return header + array.astype(array.dtype.newbyteorder(">")).tobytes()


IMAGES = np.random.default_rng(0).integers(0, 256, (6, 3, 2)).astype(np.uint8)
LABELS = np.array([3, 1, 4, 1, 5, 9], np.uint8)


def mnist(tmp_path: Path, images: bytes = idx(IMAGES), labels: bytes = idx(LABELS)) -> Path:
    (tmp_path / "t-labels-idx1-ubyte").write_bytes(labels)
    path = tmp_path / "t-images-idx3-ubyte"
    path.write_bytes(images)
    return path


@pytest.mark.parametrize("rows_at_a_time", [1, 4, 100])
def test_images_and_the_labels_beside_them(tmp_path: Path, rows_at_a_time: int) -> None:
    table = read(mnist(tmp_path), rows_at_a_time)
    assert (table.columns["image"] == IMAGES).all()
    assert table.columns["label"].tolist() == ["3", "1", "4", "1", "5", "9"]


def test_labels_by_name_and_none(tmp_path: Path) -> None:
    (tmp_path / "a.idx").write_bytes(idx(IMAGES))
    assert list(read(tmp_path / "a.idx").columns) == ["image"]
    (tmp_path / "b.idx").write_bytes(idx(LABELS))
    found = read(tmp_path / "a.idx", source=Idx(labels="b.idx"))
    assert found.columns["label"][0] == "3"
    assert Idx("b.idx").companions(tmp_path / "a.idx") == (tmp_path / "b.idx",)


@pytest.mark.parametrize(
    "code, dtype", [(8, "u1"), (9, "i1"), (11, "i2"), (12, "i4"), (13, "f4"), (14, "f8")]
)
def test_every_type_of_number(tmp_path: Path, code: int, dtype: str) -> None:
    array = np.array([[1, -2], [100, 3]]).astype(dtype)
    (tmp_path / "a.idx").write_bytes(idx(array, code))
    found = read(tmp_path / "a.idx").columns["image"]
    assert (found == array).all()
    assert found.dtype.isnative


def test_the_shipped_images() -> None:
    table = read(FASHION, 1000)
    assert table.columns["image"].shape == (2500, 28, 28)
    assert table.columns["label"].tolist()[:4] == ["9", "0", "0", "3"]


@pytest.mark.parametrize(
    "images, message",
    [
        (b"", "this is no IDX file: it begins with nothing"),
        (b"\x89PNG" + bytes(50), "this is no IDX file: it begins with 89 50 4e 47"),
        (bytes([0, 0, 7, 3]) + bytes(50), "this is no IDX file"),
        (bytes([0, 0, 8, 0]) + bytes(50), "this is no IDX file"),
        (idx(IMAGES)[:11], "the file is cut off: it ends within its header"),
        (idx(IMAGES)[:-7], "the file is cut off: its header says 6 rows, 4 are there"),
        (idx(IMAGES) + b"\0", "the file goes on after the 6 rows of its header"),
        (idx(IMAGES[:0]), "there are no rows"),
        (idx(IMAGES[:5]), "6 labels, but t-images-idx3-ubyte has 5 rows"),
        (struct.pack(">4B3I", 0, 0, 8, 3, 6, 2**31, 2**31), "cut off: its header says 6 rows, 0"),
    ],
)
def test_damaged_images(tmp_path: Path, images: bytes, message: str) -> None:
    assert message in failure(mnist(tmp_path, images))[0]


def test_damaged_labels(tmp_path: Path) -> None:
    path = mnist(tmp_path, labels=idx(IMAGES))
    assert failure(path)[0] == "labels are one number a row, here is an array of 3 × 2"
    assert "cut off" in failure(mnist(tmp_path, labels=idx(LABELS)[:-1]))[0]


def test_labels_are_no_images(tmp_path: Path) -> None:
    mnist(tmp_path)
    assert "not images" in failure(tmp_path / "t-labels-idx1-ubyte")[0]


def test_packed_images_that_are_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "a-images-idx3-ubyte.gz"
    path.write_bytes(gzip.compress(idx(IMAGES))[:-9])
    assert "can not be unpacked" in failure(path)[0]


# ts

HEADER = "# a comment\n@problemName p\n@univariate false\n@classLabel true a b\n@data\n"


def series(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "rows.ts"
    path.write_text(text)
    return path


@pytest.mark.parametrize("rows_at_a_time", [1, 2, 100])
def test_series_of_unequal_length(tmp_path: Path, rows_at_a_time: int) -> None:
    path = series(tmp_path, HEADER + "1,2,3:4,5,6:a\n\n7:8:b\n-1e3, 2.5:0,0:a\n")
    table = read(path, rows_at_a_time)
    assert [one.tolist() for one in table.columns["series"]] == [
        [[1, 4], [2, 5], [3, 6]], [[7, 8]], [[-1000, 0], [2.5, 0]],
    ]  # fmt: skip
    assert table.columns["class"].tolist() == ["a", "b", "a"]
    assert table.lines.tolist() == [6, 8, 9]


def test_series_of_equal_length_stay_apart(tmp_path: Path) -> None:
    table = read(series(tmp_path, HEADER + "1,2:a\n3,4:b\n"))
    assert table.columns["series"].shape == (2,)


def test_series_with_a_number_or_nothing_behind(tmp_path: Path) -> None:
    table = read(series(tmp_path, "@targetLabel true\n@data\n1,2:0.5\n"))
    assert table.columns["target"].tolist() == ["0.5"]
    table = read(series(tmp_path, "@classLabel false\n@data\n1,2:3,4\n"))
    assert list(table.columns) == ["series"]
    assert table.columns["series"][0].shape == (2, 2)


def test_the_shipped_series() -> None:
    table = read(VOWELS)
    lengths = [len(one) for one in table.columns["series"]]
    assert (len(table), min(lengths), max(lengths)) == (270, 7, 26)
    assert {one.shape[1] for one in table.columns["series"]} == {12}
    assert set(table.columns["class"].tolist()) == set("123456789")


@pytest.mark.parametrize(
    "text, message, line",
    [
        ("", "there is no line `@data`", 0),
        ("@problemName p\n", "there is no line `@data`", 0),
        ("1,2:a\n", "series before the line `@data`", 1),
        (HEADER, "there are no series below `@data`", 0),
        (HEADER + "1,2:3,4:a\n1,2:a\n", "expected 2 channels, found 1", 7),
        (HEADER + "1,2:3:a\n", "the channels have different lengths, 1 and 2", 6),
        (HEADER + "1,x:a\n", "expected a number, found `x`", 6),
        (HEADER + "1,?:a\n", "expected a number, found `?`", 6),
        (HEADER + "1,,2:a\n", "an empty value", 6),
        (HEADER + "1,2:c\n", "the class `c` is not one of `a`, `b`", 6),
        (HEADER + "1,2\n", "expected 1 channel, found 0", 6),
        ("@timeStamps true\n@data\n1:a\n", "series with time stamps are not read", 1),
        ("@dimensions 0\n@data\n1:a\n", "expected a whole number above 0, found `0`", 1),
        ("@dimensions 3\n@data\n1:2\n", "expected 3 channels, found 2", 3),
    ],
)
def test_damaged_series(tmp_path: Path, text: str, message: str, line: int) -> None:
    found = failure(series(tmp_path, text))
    assert message in found[0]
    assert found[1] == line


def test_series_that_are_no_text(tmp_path: Path) -> None:
    path = tmp_path / "rows.ts"
    path.write_bytes(HEADER.encode() + b"1,2:a\n1,\xff:a\n")
    assert failure(path)[:2] == ("this line is not UTF-8", 7)


# Any damage at all


def whole_files(folder: Path) -> dict[str, bytes]:
    """A small file of each format, by name."""
    np.savez_compressed(folder / "a.npz", x=np.ones((4, 2)), y=np.array(["a", "b", "c", "é"]))
    np.save(folder / "a.npy", np.ones((4, 2)))
    return {
        "a.npz": (folder / "a.npz").read_bytes(),
        "a.npy": (folder / "a.npy").read_bytes(),
        "a.idx": idx(IMAGES),
        "a.idx.gz": gzip.compress(idx(IMAGES), mtime=0),
        "a.ts": (HEADER + "1,2,3:4,5,6:a\n7:8:b\n").encode(),
        "a.csv.gz": gzip.compress(b"a,b\n1,2\n", mtime=0),
    }


@pytest.mark.parametrize("name", ["a.npz", "a.npy", "a.idx", "a.idx.gz", "a.ts", "a.csv.gz"])
def test_any_damage_is_told_as_such(tmp_path: Path, name: str) -> None:
    content = whole_files(tmp_path)[name]
    rng = np.random.default_rng(0)
    told = 0
    for _ in range(150):
        damaged = bytearray(content)
        for place in rng.integers(0, len(content), 3):
            damaged[place] = rng.integers(0, 256)
        if rng.random() < 0.3:
            del damaged[int(rng.integers(0, len(damaged))) :]
        (tmp_path / name).write_bytes(damaged)
        try:
            read(tmp_path / name)
        except DataError:
            told += 1
    assert told > 40


# From the command line

CONFIG = """\
data: {path: %s, target: %s}
model: {layers: [{type: flatten}, {type: dense, units: auto}]}
loss: cross_entropy
"""


@pytest.mark.parametrize(
    "name, target, content",
    [
        ("a-images-idx3-ubyte.gz", "label", gzip.compress(idx(IMAGES), mtime=0)[:-9]),
        ("a-images-idx3-ubyte", "label", b"\0\0\x08\x03"),
        ("a.npz", "y", b"PK\x03\x04" + bytes(100)),
        ("a.npy", "y", b"\x93NUMPY\x01\0v\0{'descr': object}"),
        ("a.ts", "class", b"@data\n1,2:3\n"),
        ("a.csv.gz", "y", b""),
        ("a.npz", "y", None),
    ],
)
def test_damaged_files_exit_3_without_a_traceback(
    nntrain: Command, tmp_path: Path, name: str, target: str, content: bytes | None
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    (tmp_path / "a.yaml").write_text(CONFIG % (name, target))
    done = nntrain("fit", "a.yaml")
    assert done.code == 3
    assert name in done.err
    assert "Traceback" not in done.err


def test_a_binary_format_can_not_be_piped(nntrain: Command, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "a.npz", x=rng.normal(size=(40, 3)), y=rng.integers(0, 2, 40))
    text = CONFIG % ("a.npz", "y") + "trainer: {max_epochs: 1}\n"
    (tmp_path / "a.yaml").write_text(text.replace("target: y", "target: y, format: npz"))
    assert nntrain("fit", "a.yaml", "-q").code == 0
    assert nntrain("predict", "a.npz", "-q").out.count("\n") == 41
    done = nntrain("predict", "-")
    assert done.code == 3
    assert "from a file only" in done.err


def test_of_two_packed_files_the_damaged_one_is_named(tmp_path: Path) -> None:
    labels = FASHION.with_name(FASHION.name.replace("images-idx3", "labels-idx1"))
    images = FASHION.read_bytes()
    path = tmp_path / "a-images-idx3-ubyte.gz"
    path.write_bytes(images[: len(images) // 2])
    (tmp_path / "a-labels-idx1-ubyte.gz").write_bytes(labels.read_bytes())
    with pytest.raises(DataError, match=r"a-images-idx3-ubyte\.gz: damaged or cut off"):
        read(path)


def test_windows_are_not_cut_from_arrays(nntrain: Command, tmp_path: Path) -> None:
    saved(tmp_path, image=np.zeros((30, 4, 4)), kind=np.arange(30) % 2)
    Path("a.yaml").write_text(
        "data: {path: PATH, target: kind, window: {length: 3}}\n"
        "model: {layers: [{type: flatten}, {type: dense, units: auto}]}\nloss: cross_entropy\n"
    )
    result = nntrain("fit", "a.yaml", "--set", f"data.path={next(tmp_path.glob('*.npz')).name}")
    assert result.code == 3
    assert "windows are cut from rows of single values, and `image` is an array" in result.err
    assert not Path("runs").exists()


def test_series_and_images_from_stdin(
    nntrain: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stream has no ending; the model knows what it has learned from."""
    head = "@dimensions 1\n@classLabel true a b\n@data\n"
    series = head + "".join(f"{i},{2 * i},3:{'ab'[i % 2]}\n" for i in range(30))
    Path("s.ts").write_text(series)
    saved(tmp_path, image=np.random.default_rng(0).random((30, 4, 4)), kind=np.arange(30) % 2)
    name = next(tmp_path.glob("*.npz")).name
    for path, target in (("s.ts", "class"), (name, "kind")):
        Path("a.yaml").write_text(
            f"data: {{path: {path}, target: {target}}}\nloss: cross_entropy\n"
            "model: {layers: [{type: flatten}, {type: dense, units: auto}]}\n"
            "trainer: {max_epochs: 1}\n"
        )
        assert nntrain("fit", "a.yaml", "-q").code == 0
        monkeypatch.setattr("sys.stdin", io.StringIO(series))
        result = nntrain("predict", "-", "-q")
        if target == "class":
            assert result.code == 0
            assert result.out == nntrain("predict", "s.ts", "-q").out
        else:
            assert result.code == 3
            assert "this format is not text: it can be read from a file only" in result.err
