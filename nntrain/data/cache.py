"""The cache of converted tables: a folder each, named by all that its bytes depend on."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from nntrain.data.column_files import ORIGIN, Made
from nntrain.data.stored import Columns, Stored, Texts
from nntrain.data.table import Empty, Table, shown
from nntrain.errors import MachineError
from nntrain.room import cache_folder, mapped

VERSION = 1  # another one where the same file is converted to other bytes
MOST_BYTES = 20e9  # of all tables; the ones that were not used for longest go first
STALE = 24 * 3600.0  # seconds after which a half table is nobody's any more
HEADER = "table.json"


def tables_folder() -> Path:
    return cache_folder() / "tables"


def key(
    hashes: Sequence[str], source: str, na_values: tuple[str, ...], texts: frozenset[str]
) -> str:
    """The name of a table's folder."""
    facts = [VERSION, *hashes, source, na_values, sorted(texts)]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:40]


def write_header(folder: Path, made: Made) -> None:
    """Say what the files of a folder are, and how long: the last thing that is written."""
    sizes = {entry.name: entry.stat().st_size for entry in sorted(folder.iterdir())}
    facts = {**vars(made), "version": VERSION, "sizes": sizes}
    text = json.dumps(facts, sort_keys=True)
    seal = hashlib.sha256(text.encode()).hexdigest()
    (folder / HEADER).write_text(f"{seal}\n{text}\n", encoding="utf-8")


def open_table(folder: Path, files: Sequence[str]) -> Table | None:
    """The table of a folder, mapped, that was made of these files; None if it is not whole."""
    facts = _facts(folder)
    if facts is None:
        return None
    try:
        cells: dict[str, Stored] = {}
        for i, name in enumerate(facts["names"]):
            if name not in facts["texts"]:
                cells[name] = mapped(folder / f"{i}.cells", np.float64)
                continue
            starts, places = facts["texts"][name]
            cells[name] = Texts(
                mapped(folder / f"{i}.cells", np.int32),
                np.array(starts, np.int64),
                np.array(places, np.int64),
                mapped(folder / f"{i}.texts", np.uint8),
            )
        lines = mapped(folder / "lines.cells", np.int64)
        origin = mapped(folder / ORIGIN, np.int32) if len(files) > 1 else None
    except (OSError, ValueError, TypeError):
        return None
    rows = facts["rows"]
    if origin is not None and len(origin) != rows:
        return None
    if {len(lines), *map(len, cells.values())} != {rows}:
        return None
    with contextlib.suppress(OSError):
        os.utime(folder / HEADER)  # used just now
    return Table(
        shown(files), lines, Columns(cells, range(rows)), facts["unit"],
        tuple(files) if len(files) > 1 else (), origin, empty=Empty(*facts["empty"]),
    )  # fmt: skip


def _facts(folder: Path) -> dict[str, Any] | None:
    """What the header says, if it is whole and the files are as long as they were."""
    try:
        seal, _, text = (folder / HEADER).read_text(encoding="utf-8").partition("\n")
        if hashlib.sha256(text.removesuffix("\n").encode()).hexdigest() != seal:
            return None
        facts: dict[str, Any] = json.loads(text)
        found = {name: (folder / name).stat().st_size for name in facts["sizes"]}
    except (OSError, ValueError, KeyError):
        return None
    return facts if found == facts["sizes"] and facts["version"] == VERSION else None


@contextmanager
def aside(where: Path) -> Iterator[Path]:
    """A folder to convert into, gone at the end unless `keep` has given it its name."""
    try:
        where.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix="half-", dir=where))
    except OSError as error:
        raise MachineError(
            f"{where}: {error.strerror or error}; `NNTRAIN_CACHE=FOLDER` names another place for "
            "converted data"
        ) from None
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def keep(folder: Path, name: Path, names: Sequence[str]) -> None:
    """Give a whole table its name, unless another process was faster, with the same bytes."""
    if open_table(name, names) is not None:  # it may be in use: it stays
        return
    with contextlib.suppress(OSError):
        folder.rename(name)
        return
    shutil.rmtree(name, ignore_errors=True)  # damaged
    with contextlib.suppress(OSError):
        folder.rename(name)


def tidy(where: Path, keeping: Path) -> None:
    """Remove half tables of processes that died, and the oldest ones above what there may be."""
    tables, now = [], time.time()
    with contextlib.suppress(OSError):
        for folder in where.iterdir():
            stat = folder.stat()
            if folder.name.startswith("half-"):
                if now - stat.st_mtime > STALE:
                    shutil.rmtree(folder, ignore_errors=True)
            elif folder != keeping:
                tables.append((_used(folder), folder))
    room = MOST_BYTES - _size(keeping)
    for _, folder in sorted(tables, reverse=True):
        room -= _size(folder)
        if room < 0:
            shutil.rmtree(folder, ignore_errors=True)


def _used(folder: Path) -> float:
    try:
        return (folder / HEADER).stat().st_mtime
    except OSError:
        return 0.0


def _size(folder: Path) -> int:
    with contextlib.suppress(OSError):
        return sum(entry.stat().st_size for entry in folder.iterdir())
    return 0
