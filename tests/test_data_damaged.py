"""Damaged files of every format by the front door: exit 3, the file and line, little memory."""

from __future__ import annotations

import gzip
import io
import os
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars
import pytest
from PIL import Image

from tests.conftest import Command

CONFIG = """\
name: damaged
data: {path: FILE, target: y}
model: {layers: [flatten, {type: dense, units: auto}]}
loss: cross_entropy
trainer: {max_epochs: 2}
"""
MEGABYTE = 1 << 20
MOST = 200  # MB in all; a line that is read whole takes more


def config(path: Path, target: str = "y") -> Path:
    """A config beside a data file."""
    text = CONFIG.replace("FILE", path.name).replace("target: y", f"target: {target}")
    if ".txt" in path.name:
        text = text.replace("flatten", "{type: embedding, input_dim: auto, output_dim: 3}")
        text = text.replace("target: text", "window: {length: 8}")
    own = path.with_name("c.yaml")
    own.write_text(text)
    return own


def _numbers(rows: int = 60, ending: str = "csv") -> bytes:
    rng = np.random.default_rng(0)
    table = [
        (f"{a:.4f}", f"{b:.4f}", "in" if a > b else "out") for a, b in rng.normal(size=(rows, 2))
    ]
    if ending == "jsonl":
        return "".join(f'{{"a": {a}, "b": {b}, "y": "{y}"}}\n' for a, b, y in table).encode()
    if ending == "ts":
        head = "@classLabel true in out\n@data\n"
        return (head + "".join(f"{a},{b},1,2:{y}\n" for a, b, y in table)).encode()
    if ending == "txt":
        return ("to be or not to be\n" * 40).encode()
    mark = "\t" if ending == "tsv" else ","
    return "".join(mark.join(row) + "\n" for row in [("a", "b", "y"), *table]).encode()


def _idx() -> bytes:
    return bytes((0, 0, 8, 3)) + struct.pack(">III", 60, 2, 2) + bytes(i % 250 for i in range(240))


def _saved(write: Callable[[Any], Any]) -> bytes:
    stream = io.BytesIO()
    write(stream)
    return stream.getvalue()


def _whole(ending: str) -> bytes:
    frame = polars.read_csv(_numbers())
    match ending:
        case "npz":
            x, y = frame[:, :2].to_numpy(), frame["y"].to_list()
            return _saved(lambda stream: np.savez_compressed(stream, x=x, y=np.array(y)))
        case "npy":
            return _saved(lambda stream: np.save(stream, frame[:, :2].to_numpy()))
        case "idx":
            return _idx()
        case "parquet":
            return _saved(frame.write_parquet)
        case "arrow":
            return _saved(frame.write_ipc)
        case "png":
            image = Image.fromarray(np.random.default_rng(0).integers(0, 255, (40, 40), np.uint8))
            return _saved(lambda stream: image.save(stream, "PNG"))
    return _numbers(ending=ending)


TEXTS = {"csv": "y", "tsv": "y", "jsonl": "y", "ts": "class", "txt": "text"}
BINARY = {"npz": "y", "npy": "y", "idx": "label", "parquet": "y", "arrow": "y", "png": "class"}
FORMATS = {**TEXTS, **BINARY}


def refused(nntrain: Command, path: Path, target: str) -> str:
    """What is said of the file, which is a mistake in the data and no more than that."""
    found = nntrain("fit", config(path, target))
    assert found.code == 3, found.err
    assert str(path) in found.err
    assert "Traceback" not in found.err and "Warning" not in found.err
    assert len(found.err.splitlines()) <= 6
    return found.err


@pytest.mark.parametrize("ending", [e for e in FORMATS if e not in ("png", "npy")])
@pytest.mark.parametrize("packed", ["", ".gz"])
def test_fit_eval_and_predict(nntrain: Command, tmp_path: Path, ending: str, packed: str) -> None:
    pack = gzip.compress if packed else bytes
    path = tmp_path / f"images.{ending}{packed}"
    path.write_bytes(pack(_whole(ending)))
    if ending == "idx":
        labels = bytes((0, 0, 8, 1)) + struct.pack(">I", 60) + bytes(i % 3 for i in range(60))
        path.with_name(f"labels.idx{packed}").write_bytes(pack(labels))
    fit = nntrain("fit", config(path, FORMATS[ending]), "-q")
    assert fit.code == 0, fit.err
    assert nntrain("eval").code == 0
    if ending == "txt":
        assert len(nntrain("predict", "--generate", "5").out) == 6
        return
    said = nntrain("predict", path.name)
    assert said.code == 0, said.err
    assert len(said.out.splitlines()) == 61


@pytest.mark.parametrize("ending", FORMATS)
def test_a_packed_file_that_is_cut_off_or_not_packed(
    nntrain: Command, tmp_path: Path, ending: str
) -> None:
    path = tmp_path / f"a.{ending}.gz"
    whole = _whole(ending)
    packed = gzip.compress(whole)
    for content in (packed[: len(packed) // 2], packed[:-4], packed[:3], whole):
        path.write_bytes(content)
        refused(nntrain, path, FORMATS[ending])


@pytest.mark.parametrize("ending", FORMATS)
def test_files_that_are_empty_or_of_another_format(
    nntrain: Command, tmp_path: Path, ending: str
) -> None:
    path = tmp_path / f"a.{ending}"
    others = [b"", bytes(range(256)), b"\x89PNG\r\n\x1a\n", b"PAR1PAR1", b"PK\3\4", b"ARROW1\0\0"]
    for content in others[:3] if ending == "txt" else others:  # what is left is text
        path.write_bytes(content)
        refused(nntrain, path, FORMATS[ending])


@pytest.mark.parametrize("ending", BINARY)
def test_binary_files_that_are_cut_off(nntrain: Command, tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"a.{ending}"
    whole = _whole(ending)
    for size in (7, len(whole) // 3, len(whole) - 9):
        path.write_bytes(whole[:size])
        refused(nntrain, path, BINARY[ending])


@pytest.mark.parametrize("ending", TEXTS)
def test_text_that_is_not_utf8_has_its_line(nntrain: Command, tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"a.{ending}"
    lines = _whole(ending).splitlines()
    lines[9] = b"Z\xfcrich" + lines[9]
    path.write_bytes(b"\r\n".join(lines))
    assert f"{path}:10: this line is not UTF-8" in refused(nntrain, path, TEXTS[ending])


@pytest.mark.parametrize("ending", TEXTS)
def test_mixed_line_ends_change_nothing(nntrain: Command, tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"a.{ending}"
    lines = _whole(ending).splitlines()
    models = []
    for number, ends in enumerate(([b"\n"], [b"\r\n", b"\n", b"\n"])):
        path.write_bytes(b"".join(line + ends[i % len(ends)] for i, line in enumerate(lines)))
        run = tmp_path / str(number)
        found = nntrain("fit", config(path, TEXTS[ending]), "-q", "--output-dir", run)
        assert found.code == 0, found.err
        models.append((run / "model.safetensors").read_bytes())
    assert models[0] == models[1]


HEADERS = {
    "csv": "a,b,y\n",
    "tsv": "a\tb\ty\n",
    "jsonl": "\n\n",
    "ts": "@classLabel true in out\n@data\n",
}


@pytest.mark.parametrize("ending", HEADERS)
def test_no_rows(nntrain: Command, tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"a.{ending}"
    path.write_text(HEADERS[ending])
    assert "there are no" in refused(nntrain, path, TEXTS[ending])


# Memory

ENDLESS = {
    "csv": ("a,b,y\n1,2,in\n", "1,2,"),
    "quoted.csv": ('a,b,y\n1,2,"', "in "),
    "tsv": ("", "a\t"),
    "jsonl": ('{"y": [', "1,"),
    "text.jsonl": ('{"y": 1}\n{"y": "', "in "),
    "ts": ("@classLabel true in out\n@data\n", "1,2:"),
    "txt": ("to be or not to be\n", "to be "),
}


MEASURED = """
from nntrain.cli import main
try:
    main()
finally:
    import sys
    with open("/proc/self/status") as status:
        most = next(line.split()[1] for line in status if line.startswith("VmHWM"))
    print(most, file=sys.stderr)
"""


def peak(*arguments: str | Path) -> tuple[int, str, float]:
    """Exit code, stderr and the most memory, in MB, of a command in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
    )
    *err, kilobytes = done.stderr.splitlines()
    return done.returncode, "\n".join(err), int(kilobytes) / 1024


only_linux = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="asks Linux")


@only_linux
@pytest.mark.parametrize("name", ENDLESS)
def test_a_line_of_200_megabytes(tmp_path: Path, name: str) -> None:
    path = tmp_path / f"a.{name}"
    head, body = ENDLESS[name]
    with path.open("w") as stream:
        stream.write(head)
        piece = body * (MEGABYTE // len(body))
        for _ in range(200):
            stream.write(piece)
    code, err, most = peak("fit", config(path, TEXTS[path.suffix[1:]]))
    path.unlink()
    assert code == 3, err
    line = head.count("\n") + 1
    assert f"{path}:{line}: this line is longer than" in err
    assert most < MOST, f"{most:.0f} MB"


@only_linux
def test_a_packed_line_of_2_gigabytes(tmp_path: Path) -> None:
    path = tmp_path / "a.csv.gz"
    piece = gzip.compress(b"1,2," * (4 * MEGABYTE), 1)
    path.write_bytes(piece * 128)
    code, err, most = peak("fit", config(path))
    assert code == 3 and "this line is longer than" in err
    assert most < MOST, f"{most:.0f} MB"


@only_linux
def test_headers_that_lie_take_no_memory(tmp_path: Path) -> None:
    path = tmp_path / "a.idx"
    path.write_bytes(
        bytes((0, 0, 8, 3)) + struct.pack(">III", 1 << 30, 1 << 10, 1 << 10) + b"12345"
    )
    code, err, most = peak("fit", config(path, "label"))
    assert code == 3 and "cut off" in err
    assert most < MOST, f"{most:.0f} MB"
