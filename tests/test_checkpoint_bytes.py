"""Archives and checkpoints, byte by byte: what is written, and where reading draws the line."""

from __future__ import annotations

import errno
import hashlib
import json
import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nntrain.errors import MachineError
from nntrain.families import Array
from nntrain.run.archive import (
    LONGEST_HEADER,
    aside,
    damaged,
    flush_folder,
    make_folder,
    read_archive,
    write_archive,
    write_whole,
)
from nntrain.run.checkpoint import State, read_newest, write_state
from nntrain.run.folder import RunFolder
from nntrain.run.history import History
from nntrain.run.progress import Progress
from tests.mutations import closed, opened

COLUMNS = ["loss", "epoch", "step"]
NO_FILE_OF_OURS = "it does not open as a file of nntrain"


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def known_of(path: Path) -> dict[str, Any]:
    known: dict[str, Any] = json.loads(opened(path.read_bytes())[0]["__metadata__"]["nntrain"])
    return known


def written(path: Path, known: Any) -> Path:
    """A file without arrays that says this of itself; text goes in as it is."""
    text = known if isinstance(known, str) else json.dumps(known)
    path.write_bytes(closed({"__metadata__": {"nntrain": text}}, b""))
    return path


def refusal(path: Path, kind: str = "checkpoint") -> str:
    with pytest.raises(MachineError) as caught:
        read_archive(path, kind)
    assert str(caught.value).startswith(f"{path}: ")
    return str(caught.value).removeprefix(f"{path}: ")


class TestWriting:
    def test_a_file_says_of_itself_what_is_in_it(self, tmp_path: Path) -> None:
        path, square = tmp_path / "a", np.array([[1.0, 2.0], [3.0, 4.0]])
        arrays = {"b": square.T, "a": np.array([0.5, -1.0], np.float32)}
        write_archive(path, "checkpoint", arrays, {"z": 1, "a": [None, "ü"]})
        header, body = opened(path.read_bytes())
        found = {
            name: body[slice(*row["data_offsets"])]
            for name, row in header.items()
            if name != "__metadata__"
        }
        a, b = b"\0\0\0\x3f\0\0\x80\xbf", np.array([1.0, 3.0, 2.0, 4.0]).tobytes()
        assert found == {"a": a, "b": b}
        facts = '{"a": [null, "\\u00fc"], "z": 1}'
        assert header["__metadata__"] == {
            "nntrain": f'{{"facts": {facts}, "facts_sha256": "{sha256(facts.encode())}", '
            '"format_version": 1, "kind": "checkpoint", "sha256": '
            f'{{"a": "{sha256(b"<f4(2,)" + a)}", "b": "{sha256(b"<f8(2, 2)" + b)}"}}}}'
        }
        arrays, facts_read = read_archive(path, "checkpoint")
        assert facts_read == {"z": 1, "a": [None, "ü"]}
        np.testing.assert_array_equal(arrays["b"], square.T)

    def test_the_order_of_facts_is_no_difference(self, tmp_path: Path) -> None:
        write_archive(tmp_path / "a", "model", {}, {"x": {"p": 1, "q": 2}, "y": 3})
        write_archive(tmp_path / "b", "model", {}, {"y": 3, "x": {"q": 2, "p": 1}})
        assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()

    @pytest.mark.parametrize("odd", [math.nan, math.inf, -math.inf])
    def test_numbers_that_are_not_json_are_never_written(self, tmp_path: Path, odd: float) -> None:
        with pytest.raises(ValueError, match="JSON"):
            write_archive(tmp_path / "a", "model", {}, {"x": odd})
        assert not list(tmp_path.iterdir())

    def test_the_file_that_was_there_is_kept_where_asked(self, tmp_path: Path) -> None:
        path, kept = tmp_path / "new", tmp_path / "old"
        write_whole(path, b"1", keep=kept)
        assert not kept.exists()
        write_whole(path, b"2", keep=kept)
        assert (path.read_bytes(), kept.read_bytes()) == (b"2", b"1")
        write_whole(path, b"3")
        assert (path.read_bytes(), kept.read_bytes()) == (b"3", b"1")
        assert sorted(tmp_path.iterdir()) == [path, kept]

    def test_a_folder_that_is_gone_is_told(self, tmp_path: Path) -> None:
        path = tmp_path / "gone" / "a"
        with pytest.raises(MachineError) as caught:
            write_whole(path, b"1")
        assert str(caught.value) == f"{path}: can not be written: No such file or directory"

    def test_what_failed_half_way_leaves_nothing(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = tmp_path / "a"
        write_whole(path, b"whole")
        monkeypatch.setattr(os, "fsync", failing(OSError("no number, no word")))
        with pytest.raises(MachineError) as caught:
            write_whole(path, b"other")
        assert str(caught.value) == f"{path}: can not be written: no number, no word"
        assert path.read_bytes() == b"whole"
        assert list(tmp_path.iterdir()) == [path]

    def test_a_file_stands_aside_in_its_own_folder(self) -> None:
        assert aside(Path("run/model.safetensors")) == Path("run/.model.safetensors.part")


def failing(error: Exception) -> Callable[..., None]:
    def fail(*_: object) -> None:
        raise error

    return fail


def watched(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """Which file handles are flushed and closed, in this order, from now on."""
    calls: list[tuple[str, int]] = []

    def watch(name: str) -> None:
        real = getattr(os, name)

        def call(handle: int) -> None:
            calls.append((name, handle))
            real(handle)

        monkeypatch.setattr(os, name, call)

    watch("fsync")
    watch("close")
    return calls


class TestFlushing:
    """Names in a folder are flushed where the system can do it."""

    def test_the_folder_is_flushed_and_closed(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        calls = watched(monkeypatch)
        flush_folder(tmp_path)
        assert [word for word, _ in calls] == ["fsync", "close"]
        assert calls[0][1] == calls[1][1]

    @pytest.mark.parametrize(
        ("number", "counts"), [(errno.EINVAL, False), (errno.EIO, True), (errno.ENOSPC, True)]
    )
    def test_only_a_system_that_has_no_such_thing_is_forgiven(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, counts: bool
    ) -> None:
        calls = watched(monkeypatch)
        monkeypatch.setattr(os, "fsync", failing(OSError(number, os.strerror(number))))
        if counts:
            with pytest.raises(OSError, match=os.strerror(number)):
                flush_folder(tmp_path)
        else:
            flush_folder(tmp_path)
        assert [word for word, _ in calls] == ["close"]

    def test_a_folder_that_may_not_be_listed_is_left_alone(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(os, "open", failing(PermissionError(errno.EACCES, "denied")))
        monkeypatch.setattr(os, "fsync", failing(AssertionError()))
        flush_folder(tmp_path)

    def test_windows_flushes_names_with_their_files(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(os, "open", failing(OSError(errno.EISDIR, "a folder")))
            patch.setattr(os, "name", "nt")
            flush_folder(tmp_path)

    def test_new_folders_are_flushed_from_the_outermost_in(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        flushed: list[Path] = []
        monkeypatch.setattr("nntrain.run.archive.flush_folder", flushed.append)
        make_folder(tmp_path / "a" / "b")
        assert (tmp_path / "a" / "b").is_dir()
        assert flushed == [tmp_path, tmp_path / "a"]
        make_folder(tmp_path / "a" / "b")
        assert len(flushed) == 2


class TestReading:
    def test_what_is_not_there_or_no_file(self, tmp_path: Path) -> None:
        assert refusal(tmp_path / "a") == "there is no such file"
        assert refusal(tmp_path) == "can not be read: Is a directory"

    def test_an_error_without_a_word_of_the_system(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(Path, "open", failing(OSError("odd")))
        assert refusal(tmp_path / "a") == "can not be read: odd"

    @pytest.mark.parametrize("kind", ["model", "checkpoint"])
    def test_the_longest_header(self, tmp_path: Path, kind: str) -> None:
        path, most = tmp_path / "a", {"model": 2**24, "checkpoint": 2**27}[kind]
        assert LONGEST_HEADER[kind] == most
        too_long = "the file is damaged: its header is longer than that of any file of nntrain"
        path.write_bytes((most + 1).to_bytes(8, "little") + b"{")
        assert refusal(path, kind) == too_long
        path.write_bytes(most.to_bytes(8, "little") + b"{")
        assert NO_FILE_OF_OURS in refusal(path, kind)

    @pytest.mark.parametrize("text", ["[1, {}]", '{"XX": ["XX,XX"]}'])
    def test_the_most_values(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
    ) -> None:
        # three of `,`, `[` and `{` each, which is as many as there can be values
        path = written(tmp_path / "a", text)
        monkeypatch.setattr("nntrain.run.archive.MOST_VALUES", {"checkpoint": 2})
        assert (
            refusal(path)
            == f"the file is damaged: {NO_FILE_OF_OURS} (its JSON has more than 2 values)"
        )
        monkeypatch.setattr("nntrain.run.archive.MOST_VALUES", {"checkpoint": 3})
        assert "its header is not that of an nntrain file" in refusal(path)

    @pytest.mark.parametrize(
        ("change", "why"),
        [
            ({"sha256": []}, "its header is not that of an nntrain file"),
            ({"format_version": None}, "it has no format version"),
            ({"format_version": True}, "it has no format version"),
            ({"format_version": 0}, "it has no format version"),
            ({"facts": []}, "its header is not that of an nntrain file"),
            ({"kind": "recipe"}, "its header is not that of an nntrain file"),
            ({"kind": "kind"}, "its header is not that of an nntrain file"),
        ],
        ids=str,
    )
    def test_headers_that_are_none(self, tmp_path: Path, change: dict[str, Any], why: str) -> None:
        path = tmp_path / "a"
        write_archive(path, "checkpoint", {}, {"x": 1})
        written(path, {**known_of(path), **change})
        assert refusal(path) == f"the file is damaged: {NO_FILE_OF_OURS} ({why})"

    @pytest.mark.parametrize("known", [[], "7", "null", '"x"'], ids=str)
    def test_headers_of_another_form(self, tmp_path: Path, known: Any) -> None:
        why = f"{NO_FILE_OF_OURS} (its header is not that of an nntrain file)"
        assert refusal(written(tmp_path / "a", known)) == f"the file is damaged: {why}"

    @pytest.mark.parametrize(("odd", "word"), [(math.nan, "NaN"), (-math.inf, "-Infinity")])
    def test_numbers_that_are_not_json(self, tmp_path: Path, odd: float, word: str) -> None:
        path = tmp_path / "a"
        write_archive(path, "checkpoint", {}, {"x": 1})
        written(path, {**known_of(path), "facts": {"x": odd}})
        assert refusal(path) == f"the file is damaged: {NO_FILE_OF_OURS} ({word} is not JSON)"

    def test_versions(self, tmp_path: Path) -> None:
        path = tmp_path / "a"
        write_archive(path, "checkpoint", {}, {"x": 1})
        known = known_of(path)
        assert read_archive(written(path, {**known, "format_version": 1}), "checkpoint") == (
            {},
            {"x": 1},
        )
        version = "its format version is 2, this nntrain reads up to 1: a newer nntrain is needed"
        assert refusal(written(path, {**known, "format_version": 2})) == version
        assert refusal(path, "model") == version
        path = written(path, known)
        assert refusal(path, "model") == "this is a checkpoint file, expected a model file"

    def test_checksums(self, tmp_path: Path) -> None:
        path = tmp_path / "a"
        write_archive(path, "checkpoint", {"v": np.ones(2), "w": np.zeros(2)}, {"x": 1})
        header, body = opened(path.read_bytes())
        known = known_of(path)

        def saying(**change: Any) -> str:
            text = json.dumps({**known, **change})
            path.write_bytes(closed({**header, "__metadata__": {"nntrain": text}}, body))
            return refusal(path)

        sums = known["sha256"]
        facts, of_v, of_w, of_u = (
            "the file is damaged: the checksum of its facts does not match",
            *(f"the file is damaged: the checksum of `{name}` does not match" for name in "vwu"),
        )
        assert saying(facts={"x": 2}) == facts
        assert saying(facts_sha256=None) == facts
        assert saying(sha256={**sums, "w": sums["v"]}) == of_w
        assert saying(sha256={"w": sums["w"]}) == of_v
        assert saying(sha256={**sums, "u": sums["w"]}) == of_u

    def test_the_reason_is_one_line_of_bounded_length(self) -> None:
        start = "a: the file is damaged: "
        assert str(damaged(Path("a"), " x\n\ty ")) == f"{start}x y"
        assert str(damaged(Path("a"), "x" * 300)) == start + "x" * 300
        assert str(damaged(Path("a"), "x" * 301)) == start + "x" * 300 + "…"


class TestCheckpoints:
    vectors: dict[str, Array] = {"theta": np.arange(3.0), "slot.m": np.ones(3, np.float32)}  # noqa: RUF012
    config = {"name": "a", "layers": [1, 2]}  # noqa: RUF012

    def state(self, step: int, good: int | None = None) -> State:
        def at(step: int) -> Progress:
            return Progress(step=step, history=History([{"epoch": 1, "step": 9, "loss": 0.5}]))

        before = None if good is None else at(good)
        return State(self.vectors, at(step), before, self.config)

    def folder(self, tmp_path: Path, *steps: int) -> RunFolder:
        folder = RunFolder(tmp_path)
        for step in steps:
            write_state(folder, self.state(step, good=step - 1), "0123", keep=True)
        return folder

    def arrays(self, folder: RunFolder) -> dict[str, Array]:
        return read_archive(folder.checkpoint, "checkpoint")[0]

    def newest(self, folder: RunFolder, **change: Any) -> tuple[State | None, str]:
        return read_newest(folder, {**self.vectors, **change}, COLUMNS)

    def test_a_run_without_one(self, tmp_path: Path) -> None:
        assert self.newest(RunFolder(tmp_path)) == (None, "")

    def test_what_was_written_comes_back(self, tmp_path: Path) -> None:
        state, why = self.newest(self.folder(tmp_path, 7))
        assert why == ""
        assert state is not None
        assert state.progress == self.state(7).progress
        assert state.good == self.state(6).progress
        assert state.config == self.config
        assert state.vectors.keys() == {*self.vectors, "history", "good.history"}
        for name, vector in self.vectors.items():
            assert state.vectors[name].dtype == vector.dtype
            np.testing.assert_array_equal(state.vectors[name], vector)
        facts = known_of(tmp_path / "checkpoint.safetensors")["facts"]
        assert facts.keys() == {"progress", "good", "columns", "data_sha256", "config", "order"}
        assert facts["data_sha256"] == "0123"
        assert known_of(tmp_path / "checkpoint.safetensors")["kind"] == "checkpoint"

    def test_a_state_without_a_good_one(self, tmp_path: Path) -> None:
        write_state(RunFolder(tmp_path), self.state(7), "0123", keep=True)
        assert known_of(tmp_path / "checkpoint.safetensors")["facts"]["good"] is None
        state, _ = self.newest(RunFolder(tmp_path))
        assert state is not None
        assert state.good is None

    @pytest.mark.parametrize(("keep", "before"), [(True, 8), (False, 7)])
    def test_the_one_before_is_kept_where_asked(
        self, tmp_path: Path, keep: bool, before: int
    ) -> None:
        folder = self.folder(tmp_path, 7, 8)
        write_state(folder, self.state(9), "0123", keep=keep)
        assert known_of(folder.checkpoint)["facts"]["progress"]["step"] == 9
        assert known_of(folder.previous)["facts"]["progress"]["step"] == before

    def test_the_newest_whole_one_is_taken_and_the_damage_told(self, tmp_path: Path) -> None:
        folder = self.folder(tmp_path, 7, 8)
        newest = folder.checkpoint.read_bytes()
        folder.checkpoint.write_bytes(b"")
        state, why = self.newest(folder)
        assert state is not None
        assert state.progress.step == 7
        assert why.startswith(f"{folder.checkpoint}: the file is damaged: ")
        folder.checkpoint.unlink()
        state, why = self.newest(folder)
        assert state is not None
        assert (state.progress.step, why) == (7, "")
        folder.checkpoint.write_bytes(newest)
        folder.previous.write_bytes(b"")
        state, why = self.newest(folder)
        assert state is not None
        assert (state.progress.step, why) == (8, "")
        folder.checkpoint.write_bytes(b"{")
        with pytest.raises(MachineError, match=r"checkpoint\.safetensors: the file is damaged"):
            self.newest(folder)

    @pytest.mark.parametrize(
        "other",
        [{"more": np.zeros(1)}, {"theta": np.zeros(4)}, {"theta": np.zeros(3, np.float32)},
         {"theta": np.zeros((3, 1))}],
        ids=["missing", "longer", "dtype", "shape"],
    )  # fmt: skip
    def test_vectors_of_another_run(self, tmp_path: Path, other: dict[str, Array]) -> None:
        folder, name = self.folder(tmp_path, 7), next(iter(other))
        with pytest.raises(MachineError) as caught:
            self.newest(folder, **other)
        expected = f"the file is damaged: `{name}` does not fit the config of this run"
        assert str(caught.value) == f"{folder.checkpoint}: {expected}"

    def test_more_vectors_than_asked_for_are_no_damage(self, tmp_path: Path) -> None:
        state, why = read_newest(self.folder(tmp_path, 7), {}, COLUMNS)
        assert state is not None
        assert why == ""

    @pytest.mark.parametrize("columns", [COLUMNS[:2], [*COLUMNS, "more"], [*COLUMNS[:2], "lost"]])
    @pytest.mark.parametrize("where", ["progress", "good"])
    def test_a_history_with_other_columns(
        self, tmp_path: Path, columns: list[str], where: str
    ) -> None:
        folder, state = RunFolder(tmp_path), self.state(7, good=6)
        assert state.good is not None
        (state.good if where == "progress" else state.progress).history = History()
        write_state(folder, state, "0123", keep=True)
        with pytest.raises(MachineError) as caught:
            read_newest(folder, self.vectors, columns)
        why = "its progress can not be read (an epoch has other columns than this run)"
        assert str(caught.value) == f"{folder.checkpoint}: the file is damaged: {why}"

    @pytest.mark.parametrize("key", ["progress", "config"])
    def test_facts_that_are_missing(self, tmp_path: Path, key: str) -> None:
        folder = self.folder(tmp_path, 7)
        facts = known_of(folder.checkpoint)["facts"]
        del facts[key]
        write_archive(folder.checkpoint, "checkpoint", self.arrays(folder), facts)
        with pytest.raises(MachineError, match=f"its progress can not be read \\('{key}'\\)"):
            self.newest(folder)

    @pytest.mark.parametrize("best", [10**400, "0.5", True])
    def test_a_best_score_that_is_none(self, tmp_path: Path, best: Any) -> None:
        folder = self.folder(tmp_path, 7)
        facts = known_of(folder.checkpoint)["facts"]
        facts["progress"]["best"] = best
        write_archive(folder.checkpoint, "checkpoint", self.arrays(folder), facts)
        with pytest.raises(MachineError, match="its progress can not be read"):
            self.newest(folder)

    def test_a_checkpoint_from_before_there_were_good_states(self, tmp_path: Path) -> None:
        folder = self.folder(tmp_path, 7)
        facts = known_of(folder.checkpoint)["facts"]
        del facts["good"]
        write_archive(folder.checkpoint, "checkpoint", self.arrays(folder), facts)
        state, _ = self.newest(folder)
        assert state is not None
        assert state.good is None

    def test_a_model_is_no_checkpoint(self, tmp_path: Path) -> None:
        folder = self.folder(tmp_path, 7)
        facts = known_of(folder.checkpoint)["facts"]
        write_archive(folder.checkpoint, "model", self.vectors, facts)
        with pytest.raises(MachineError, match="this is a model file, expected a checkpoint file"):
            self.newest(folder)
