"""Archive: named arrays and plain facts in one safetensors file that can be trusted.

One metadata key holds sorted JSON, because several keys would come out in random order and equal
runs would give different bytes.  The JSON carries the SHA-256 of every array, since the format
has no checksum of its own.  Files are written aside, flushed and renamed: a file is whole or not
there.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from nntrain.errors import MachineError
from nntrain.families import Array

FORMAT_VERSION = 1
KEY = "nntrain"


def write_archive(
    path: Path, kind: str, arrays: Mapping[str, Array], facts: Any, *, keep: Path | None = None
) -> None:
    """Write `arrays` and JSON-able `facts`; `kind` says what the file is (model, checkpoint).

    keep: what the file that stands at `path` is called from then on.
    """
    from safetensors.numpy import save

    whole = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    header = {
        "format_version": FORMAT_VERSION,
        "kind": kind,
        "sha256": {name: _digest(array) for name, array in whole.items()},
        "facts": facts,
    }
    text = json.dumps(header, sort_keys=True, allow_nan=False)
    write_whole(path, save(whole, metadata={KEY: text}), keep=keep)


def read_archive(path: Path, kind: str) -> tuple[dict[str, Array], Any]:
    """The arrays and the facts of a file that `write_archive` wrote, every byte checked."""
    from safetensors import SafetensorError, safe_open

    try:
        with path.open("rb") as opened:  # safetensors calls every file that it can't open missing
            foreign = opened.read(9)[8:] not in (b"{", b"")
        if foreign:
            raise MachineError(f"{path}: this is no {kind} file of nntrain")
        with safe_open(path, framework="numpy") as file:
            header = json.loads((file.metadata() or {})[KEY])
            _check_header(path, header, kind)
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except FileNotFoundError:
        raise MachineError(f"{path}: there is no such file") from None
    except OSError as error:
        raise MachineError(f"{path}: can not be read: {error.strerror or error}") from None
    except (SafetensorError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise damaged(path, f"it does not open as a file of nntrain ({error})") from None
    for name in sorted(arrays.keys() | header["sha256"].keys()):
        if name not in arrays or header["sha256"].get(name) != _digest(arrays[name]):
            raise damaged(path, f"the checksum of `{name}` does not match")
    return arrays, header["facts"]


def _check_header(path: Path, header: Any, kind: str) -> None:
    if not isinstance(header, dict) or not isinstance(header.get("sha256"), dict):
        raise ValueError("its header is not that of an nntrain file")
    version = header.get("format_version")
    if not isinstance(version, int) or version > FORMAT_VERSION:
        raise MachineError(
            f"{path}: its format version is {version}, this nntrain reads up to {FORMAT_VERSION}: "
            "a newer nntrain is needed"
        )
    if header.get("kind") != kind or "facts" not in header:
        raise MachineError(f"{path}: this is a {header.get('kind')} file, expected a {kind} file")


def damaged(path: Path, why: str) -> MachineError:
    return MachineError(f"{path}: the file is damaged: {why}")


def _digest(array: Array) -> str:
    return hashlib.sha256(f"{array.dtype.str}{array.shape}".encode() + array.tobytes()).hexdigest()


def write_whole(path: Path, content: bytes, *, keep: Path | None = None) -> None:
    """Write a file so that it is whole or not there, and there after a power cut.

    keep: what the file that stands at `path` is called from then on.
    """
    part = aside(path)
    try:
        with part.open("wb") as file:
            file.write(content)
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
