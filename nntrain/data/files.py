"""Files of the user's: opened, unpacked where they are gzipped, read as text, hashed."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import BinaryIO, TextIO, cast

from nntrain.errors import DataError, MachineError
from nntrain.wording import listed, nearest

LONGEST_LINE = 1 << 24  # letters: a file without line ends must not fill the memory
UTF8_HINT = "save it as UTF-8, for example: iconv -f latin1 -t utf-8 OLD.csv > NEW.csv"
ENDINGS = (
    ".csv",
    ".tsv",
    ".npz",
    ".npy",
    ".ts",
    ".txt",
    ".jsonl",
    ".parquet",
    ".arrow",
    ".gz",
)  # of files that may hold data


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """The bytes of a file, unpacked where its name ends with `.gz`."""
    try:
        stream = path.open("rb")
    except FileNotFoundError:
        raise DataError("there is no such file", path, hint=_nearby(path)) from None
    except IsADirectoryError:
        hint = f"its files are {listed(inside)}" if (inside := _files(path)) else ""
        raise DataError("this is a folder, not a file", path, hint=hint) from None
    except OSError as error:
        raise MachineError(f"{path}: {error.strerror}") from None
    with stream, _naming(path):
        if path.suffix != ".gz":
            yield stream
        else:
            with gzip.GzipFile(fileobj=stream) as unpacked, unpacking(path):
                yield cast(BinaryIO, unpacked)


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """What the system says in the middle of a file does not name it."""
    try:
        yield
    except OSError as error:
        if error.filename is not None or not error.errno:
            raise
        raise MachineError(f"{path}: can not be read: {error.strerror}") from None


def is_there(path: str | Path) -> bool:
    """Whether something has this name; what the system refuses to say is told by opening it."""
    try:
        return Path(path).exists()
    except OSError:
        return False


def is_folder(path: str | Path) -> bool:
    return is_there(path) and Path(path).is_dir()


def path_of(source: str | Path | TextIO) -> Path:
    """The path of a source that can not be a stream of text."""
    if isinstance(source, (str, Path)):
        return Path(source)
    name = str(getattr(source, "name", "<stream>"))
    raise DataError("this format is not text: it can be read from a file only", name)


@contextmanager
def unpacking(path: Path) -> Iterator[None]:
    """A damaged .gz is a mistake in the data."""
    try:
        yield
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(f"damaged or cut off: it can not be unpacked ({error})", path) from None


@contextmanager
def opened_text(path: Path) -> Iterator[TextIO]:
    """The same as UTF-8 text, line ends as they are."""
    with opened(path) as stream:
        yield io.TextIOWrapper(stream, encoding="utf-8", newline="")


def checked_lines(stream: TextIO, file: str, longest: int = LONGEST_LINE) -> Iterator[str]:
    """The lines, without a byte order mark, as long as they are text and none has no end."""
    number = 0
    try:
        for line in iter(partial(stream.readline, longest), ""):
            number += 1
            if "\0" in line:
                raise DataError("a NUL byte: this is not UTF-8 text", file, number, UTF8_HINT)
            if len(line) == longest and line[-1] not in "\r\n":
                raise _too_long(file, number, longest)
            yield line.removeprefix("\ufeff") if number == 1 else line
    except UnicodeDecodeError as error:
        bad = number + 1 + error.object[: error.start].count(b"\n")
        is_utf16 = number == 0 and error.object[:2] in (b"\xff\xfe", b"\xfe\xff")
        hint = UTF8_HINT.replace("latin1", "utf-16") if is_utf16 else UTF8_HINT
        raise DataError("this line is not UTF-8", file, bad, hint) from None


def _too_long(file: str, line: int, longest: int) -> DataError:
    message = f"this line is longer than {longest:,} letters"
    return DataError(message, file, line, "is this the right file? a row stands on a line")


def _nearby(path: Path) -> str:
    if not path.parent.is_dir():
        return f"there is no folder {path.parent} either"
    near = nearest(path.name, _files(path.parent))
    if near:
        return f"did you mean {listed(near)}?"
    tables = [name for name in _files(path.parent) if name.lower().endswith(ENDINGS)]
    return f"the folder has {listed(tables)}" if tables else ""


def _files(folder: Path) -> list[str]:
    try:
        return sorted(entry.name for entry in folder.iterdir() if entry.is_file())
    except OSError:
        return []


def sha256(path: str | Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal; of a folder, of the names and bytes in it."""
    if Path(path).is_dir():
        lines = (f"{file.relative_to(path)}\0{sha256(file)}\n" for file in _inside(Path(path)))
        return hashlib.sha256("".join(lines).encode(errors="surrogateescape")).hexdigest()
    with Path(path).open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def size(path: Path) -> int:
    """Bytes of a file, or of the files in a folder."""
    return sum(file.stat().st_size for file in (_inside(path) if path.is_dir() else (path,)))


def _inside(folder: Path) -> list[Path]:
    """All files in a folder that are not hidden, in order."""
    found = (Path(place, name) for place, _, names in os.walk(folder) for name in names)
    return sorted(file for file in found if not file.name.startswith("."))
