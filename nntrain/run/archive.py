"""Archive: named arrays and plain facts in one safetensors file that can be trusted.

One metadata key holds sorted JSON, because several keys would come out in random order and equal
runs would give different bytes.  The JSON carries the SHA-256 of every array and of the facts,
since the format has no checksum of its own.  Files are written aside, flushed and renamed: a file
is whole or not there.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from nntrain.errors import MachineError
from nntrain.families import Array

FORMAT_VERSION = 1
KEY = "nntrain"
LONGEST_HEADER = {"model": 1 << 24, "checkpoint": 1 << 27}  # bytes, before anything is parsed
LONGEST_REASON = 300  # letters that a message says of the damage
MOST_VALUES = {"model": 2_000_000, "checkpoint": 50_000_000}  # of its JSON: each takes some memory


def write_archive(
    path: Path, kind: str, arrays: Mapping[str, Array], facts: Any, *, keep: Path | None = None
) -> None:
    """Write `arrays` and JSON-able `facts`; `kind` says what the file is (model, checkpoint).

    keep: what the file that stands at `path` is called from then on.
    """
    whole = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    header = {
        "format_version": FORMAT_VERSION,
        "kind": kind,
        "sha256": {name: _digest(array) for name, array in whole.items()},
        "facts": facts,
        "facts_sha256": _digest_of_facts(facts),
    }
    write_whole(path, _as_safetensors(whole, _plain(header)), keep=keep)


def _as_safetensors(arrays: Mapping[str, Array], text: str) -> Iterator[bytes | memoryview]:
    """The bytes that `safetensors.numpy.save` makes, one after the other: no second copy of all."""
    order = sorted(arrays, key=lambda name: (-_TYPES.index(arrays[name].dtype.str), name))
    described: dict[str, Any] = {"__metadata__": {KEY: text}}
    end = 0
    for name in order:
        start, end = end, end + arrays[name].nbytes
        kind = _NAMES[arrays[name].dtype.str]
        shape = list(arrays[name].shape)
        described[name] = {"dtype": kind, "shape": shape, "data_offsets": [start, end]}
    header = json.dumps(described, ensure_ascii=False, separators=(",", ":")).encode()
    header += b" " * (-len(header) % 8)
    yield len(header).to_bytes(8, "little") + header
    for name in order:
        yield _bytes_of(arrays[name])


_NAMES = {
    "|b1": "BOOL", "|u1": "U8", "|i1": "I8", "<i2": "I16", "<u2": "U16", "<f2": "F16",
    "<i4": "I32", "<u4": "U32", "<f4": "F32", "<f8": "F64", "<i8": "I64", "<u8": "U64",
}  # fmt: skip
_TYPES = list(_NAMES)  # the later ones come first in a file


def _bytes_of(array: Array) -> memoryview:
    return array.reshape(-1).view(np.uint8).data


def read_archive(path: Path, kind: str) -> tuple[dict[str, Array], Any]:
    """The arrays and the facts of a file that `write_archive` wrote, every byte checked."""
    from safetensors import SafetensorError, safe_open

    if path.exists() and not (path.is_file() or path.is_dir()):  # a pipe would wait for ever
        raise MachineError(f"{path}: this is no regular file")
    try:
        with path.open("rb") as opened:  # safetensors calls every file that it can't open missing
            start = opened.read(9)
        if start[8:] not in (b"{", b""):
            raise MachineError(f"{path}: this is no {kind} file of nntrain")
        if int.from_bytes(start[:8], "little") > LONGEST_HEADER[kind]:
            raise damaged(path, "its header is longer than that of any file of nntrain")
        with safe_open(path, framework="numpy") as file:
            header = _parsed((file.metadata() or {})[KEY], MOST_VALUES[kind])
            _check_header(path, header, kind)
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except FileNotFoundError:
        raise MachineError(f"{path}: there is no such file") from None
    except OSError as error:
        raise MachineError(f"{path}: can not be read: {error.strerror or error}") from None
    except (
        SafetensorError,
        AttributeError,
        KeyError,
        TypeError,
        ValueError,
        RecursionError,
    ) as error:
        raise damaged(path, f"it does not open as a file of nntrain ({error})") from None
    for name in sorted(arrays.keys() | header["sha256"].keys()):
        if name not in arrays or header["sha256"].get(name) != _digest(arrays[name]):
            raise damaged(path, f"the checksum of `{name}` does not match")
    if header.get("facts_sha256") != _digest_of_facts(header["facts"]):
        raise damaged(path, "the checksum of its facts does not match")
    return arrays, header["facts"]


def _parsed(text: str, most: int) -> Any:
    """What a file's JSON says; ValueError where it is none, or has too many values."""
    if sum(map(text.count, ",[{")) > most:
        raise ValueError(f"its JSON has more than {most:,} values")
    return json.loads(text, parse_constant=_refuse)


def _refuse(word: str) -> Any:
    raise ValueError(f"{word} is not JSON")


def _check_header(path: Path, header: Any, kind: str) -> None:
    if not isinstance(header, dict) or not isinstance(header.get("sha256"), dict):
        raise ValueError("its header is not that of an nntrain file")
    version = header.get("format_version")
    if type(version) is not int or version < 1:
        raise ValueError("it has no format version")
    if version > FORMAT_VERSION:
        raise MachineError(
            f"{path}: its format version is {version!r:.20}, this nntrain reads up to "
            f"{FORMAT_VERSION}: a newer nntrain is needed"
        )
    if header.get("kind") not in tuple(LONGEST_HEADER) or not isinstance(header.get("facts"), dict):
        raise ValueError("its header is not that of an nntrain file")
    if header["kind"] != kind:
        raise MachineError(f"{path}: this is a {header['kind']} file, expected a {kind} file")


def damaged(path: Path, why: str) -> MachineError:
    why = " ".join(why.split())  # in one line, whatever a file made a library say
    why = why if len(why) <= LONGEST_REASON else f"{why[:LONGEST_REASON]}…"
    return MachineError(f"{path}: the file is damaged: {why}")


def _digest(array: Array) -> str:
    found = hashlib.sha256(f"{array.dtype.str}{array.shape}".encode())
    found.update(_bytes_of(np.ascontiguousarray(array)))
    return found.hexdigest()


def _digest_of_facts(facts: Any) -> str:
    return hashlib.sha256(_plain(facts).encode()).hexdigest()


def _plain(value: Any) -> str:
    """The one spelling of a value as JSON."""
    return json.dumps(value, sort_keys=True, allow_nan=False)


def write_whole(
    path: Path, content: bytes | Iterable[bytes | memoryview], *, keep: Path | None = None
) -> None:
    """Write a file so that it is whole or not there, and there after a power cut.

    content: all of it, or pieces.
    keep: what the file that stands at `path` is called from then on.
    """
    part = aside(path)
    try:
        with part.open("wb") as file:
            for piece in [content] if isinstance(content, bytes) else content:
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())
        if keep and path.exists():
            path.replace(keep)
        part.replace(path)
        flush_folder(path.parent)
    except OSError as error:
        with suppress(OSError):  # it may be gone with its folder
            part.unlink()
        raise MachineError(f"{path}: can not be written: {error.strerror or error}") from None


def aside(path: Path) -> Path:
    """Where a file stands until it is whole."""
    return path.with_name(f".{path.name}.part")


def make_folder(path: Path) -> None:
    """Make a folder, with those above it, so that it is there after a power cut."""
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    path.mkdir(parents=True, exist_ok=True)
    for folder in reversed(missing):
        flush_folder(folder.parent)


def flush_folder(folder: Path) -> None:
    """Let the names in a folder survive a power cut, where the system has a way to ask for it."""
    if os.name == "nt":  # Windows flushes the name with the file
        return
    try:
        handle = os.open(folder, os.O_RDONLY)
    except PermissionError:  # one may write into it, but not list it
        return
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno != errno.EINVAL:  # some network file systems have no such thing
            raise
    finally:
        os.close(handle)
