"""Disk: a layer between nntrain and the files below one folder, that can fail, kill or be cut off.

It stands in for `open`, `os.open`, `os.fsync`, `os.replace`, `os.mkdir` and `os.unlink`, and calls
`before(operation, path)` at each one, before it happens.  A write happens in two halves, with
`write on` between them, and a rename is followed by `replaced`: whoever raises or kills there
leaves half a file, or a name that no one has flushed.
"""

from __future__ import annotations

import builtins
import io
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

Before = Callable[[str, Path], None]
CHANGING = set("wax+")


class Disk:
    """All files below `root`."""

    def __init__(self, root: Path, before: Before):
        self.root, self.before = root.resolve(), before
        self.handles: dict[int, Path] = {}
        self.real = {name: getattr(os, name) for name in ("open", "fsync", "mkdir", "unlink")}
        self.rename, self.stream = os.replace, io.open

    @contextmanager
    def installed(self) -> Iterator[Disk]:
        """Everything in this process goes through here."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(os, "open", self._descriptor)
            patch.setattr(os, "fsync", self._fsync)
            patch.setattr(os, "mkdir", self._mkdir)
            patch.setattr(os, "unlink", self._unlink)
            patch.setattr(os, "replace", self._replace)
            patch.setattr(io, "open", self._open)
            patch.setattr(builtins, "open", self._open)
            yield self

    def done(self, operation: str, path: Path) -> None:
        """Something has happened."""

    def inside(self, path: Any) -> Path | None:
        """`path` if it is below the root; no link is followed but those of its folder."""
        if isinstance(path, int):
            return None
        whole = Path(os.path.normpath(Path.cwd() / os.fsdecode(path)))
        return whole if whole.is_relative_to(self.root) else None

    def read(self, path: Path) -> bytes:
        """What is in a file, past all this."""
        with self.stream(path, "rb") as file:
            return bytes(file.read())

    def write(self, raw: io.FileIO, path: Path, data: Any) -> int:
        """Write in two halves."""
        content = bytes(data)
        for operation, part in zip(("write", "write on"), _halves(content), strict=True):
            self.before(operation, path)
            while part:
                part = part[io.FileIO.write(raw, part) or 0 :]
            self.done(operation, path)
        return len(content)

    def _open(self, file: Any, mode: str = "r", *more: Any, **named: Any) -> Any:
        path = self.inside(file)
        if path is None or not CHANGING & set(mode):
            if path is not None:
                self.before("read", path)
            return self.stream(file, mode, *more, **named)
        operation = "open" if path.exists() else "create"
        self.before(operation, path)
        raw = _Watched(self, path, mode.replace("b", "").replace("t", ""))
        self.done(operation, path)
        self.handles[raw.fileno()] = path
        if "b" in mode:
            return io.BufferedWriter(raw)
        named = {key: named.get(key) for key in ("encoding", "errors", "newline")}
        return io.TextIOWrapper(io.BufferedWriter(raw), **named)

    def _descriptor(self, file: Any, *more: Any, **named: Any) -> int:
        path = self.inside(file)
        if path is not None:
            self.before("read", path)
        handle: int = self.real["open"](file, *more, **named)
        if path is not None:
            self.handles[handle] = path
        return handle

    def _fsync(self, file: Any) -> None:
        handle = file if isinstance(file, int) else file.fileno()
        path = self.handles.get(handle)
        here = path and path.exists() and os.path.samestat(os.fstat(handle), path.stat())
        if not path or not here:
            self.real["fsync"](handle)
            return
        self.before("fsync", path)
        self.done("fsync", path)  # the tests do not wait for the disk

    def _mkdir(self, file: Any, *more: Any, **named: Any) -> None:
        self._call("mkdir", file, *more, **named)

    def _unlink(self, file: Any, *more: Any, **named: Any) -> None:
        self._call("unlink", file, *more, **named)

    def _call(self, name: str, file: Any, *more: Any, **named: Any) -> None:
        path = self.inside(file)
        if path is not None:
            self.before(name, path)
            if name == "unlink":
                self.losing(path)
        self.real[name](file, *more, **named)
        if path is not None:
            self.done(name, path)

    def _replace(self, source: Any, target: Any, **named: Any) -> None:
        old, new = self.inside(source), self.inside(target)
        if old is None or new is None:
            self.rename(source, target, **named)
            return
        self.before("replace", new)
        self.losing(new)
        self.rename(source, target, **named)
        self.renamed(old, new)
        self.before("replaced", new)

    def losing(self, path: Path) -> None:
        """A file is about to lose its name."""

    def renamed(self, source: Path, target: Path) -> None:
        """`source` is now `target`."""


class _Watched(io.FileIO):
    def __init__(self, disk: Disk, path: Path, mode: str):
        super().__init__(path, mode)
        self.disk, self.path = disk, path

    def write(self, data: Any) -> int:
        return self.disk.write(self, self.path, data)


def _halves(content: bytes) -> tuple[bytes, bytes]:
    middle = len(content) // 2
    return content[:middle], content[middle:]


class PowerCutError(BaseException):
    """The power is gone: no `except Exception` hears of it."""


class ForgetfulDisk(Disk):
    """A disk that keeps what was flushed; of the rest any part may be there after a power cut.

    A file is a number, and a folder says which name has which number.  Changes of names come to
    the disk in their order, as in a journal, but no later than the folder is flushed; what an
    unflushed file has in it is anyone's guess, whatever its name.
    """

    def __init__(self, root: Path, cut_at: int, rng: np.random.Generator):
        super().__init__(root, self._count)
        self.cut_at, self.count, self.rng = cut_at, 0, rng
        self.numbers: dict[Path, int] = {}
        self.known = 0
        self.lost: dict[int, bytes] = {}  # what files without a name have in them
        self.flushed: dict[int, bytes] = {}
        self.names: dict[Path, list[dict[str, int]]] = {}  # as flushed, then after each change
        self.left: dict[Path, bytes | None] | None = None
        for path in sorted(self.root.rglob("*")):
            self.done("create", path)
        for path in (self.root, *self.numbers):
            self.done("fsync", path)

    def write(self, raw: io.FileIO, path: Path, data: Any) -> int:
        if self.left is not None:  # what is closed on the way out
            return len(bytes(data))
        return super().write(raw, path, data)

    def done(self, operation: str, path: Path) -> None:
        if operation in ("create", "mkdir"):
            self.known += 1
            self.numbers[path] = self.known
            self._changed(path.parent)
        elif operation == "unlink" and path in self.numbers:
            del self.numbers[path]
            self._changed(path.parent)
        elif operation == "fsync" and path.is_dir():
            self.names[path] = [self._shown(path)]
        elif operation == "fsync":
            self.flushed[self.numbers[path]] = self.read(path)

    def losing(self, path: Path) -> None:
        if path in self.numbers:
            self.lost[self.numbers[path]] = self.read(path)

    def renamed(self, source: Path, target: Path) -> None:
        self.numbers[target] = self.numbers.pop(source)
        self._changed(target.parent)

    def _shown(self, folder: Path) -> dict[str, int]:
        return {path.name: n for path, n in self.numbers.items() if path.parent == folder}

    def _changed(self, folder: Path) -> None:
        self.names.setdefault(folder, [{}]).append(self._shown(folder))

    def _count(self, operation: str, path: Path) -> None:
        if self.left is not None:
            raise PowerCutError
        self.count += 1
        if self.count > self.cut_at:
            self.left = dict(self._leave(self.root))
            raise PowerCutError

    def _leave(self, folder: Path) -> Iterator[tuple[Path, bytes | None]]:
        """What a power cut now leaves below `folder`: bytes, or None for a folder."""
        states = self.names.get(folder, [{}])
        late = self.rng.random() < 0.5
        for name, number in states[self.rng.integers(len(states)) if late else 0].items():
            path = folder / name
            if path.is_dir():
                yield path, None
                yield from self._leave(path)
            else:
                yield path, self._content(number)

    def _content(self, number: int) -> bytes:
        names = [path for path, known in self.numbers.items() if known == number]
        shown = self.read(names[0]) if names else self.lost[number]
        flushed = self.flushed.get(number, b"")
        if flushed == shown:
            return shown
        return (flushed, shown, shown[: len(shown) // 2])[self.rng.choice(3, p=(0.6, 0.2, 0.2))]

    def come_back(self) -> None:
        """The power is back: the folder is as the cut left it."""
        assert self.left is not None
        for path in sorted(self.root.rglob("*"), reverse=True):
            if path.is_dir():
                path.rmdir()
            else:
                path.unlink()
        for path, content in self.left.items():
            if content is None:
                path.mkdir()
            else:
                path.write_bytes(content)
