"""A short form of the fuzzing (`make fuzz` is the long one), and the cases that it has found."""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest

from nntrain.data.formats import Npy, Npz
from nntrain.data.table import join
from nntrain.errors import ConfigError, DataError, MachineError
from nntrain.run.archive import MOST_VALUES, read_archive
from nntrain.run.history import History
from nntrain.run.model import read_model
from nntrain.run.progress import Progress
from nntrain.run.run import Run
from nntrain.run.trained import open_run
from nntrain.training.fit import fit
from tests import mutations
from tests.conftest import ROOT, Command
from tests.models.make import begin

MODEL = ROOT / "tests" / "models" / "format-1" / "classes.safetensors"


@pytest.mark.parametrize(
    ("target", "count"), [("configs", 300), ("models", 300), ("checkpoints", 300), ("data", 150)]
)
def test_nothing_but_clear_words_in_bounded_time_and_memory(target: str, count: int) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.fuzz", target, str(count), "3"],
        cwd=ROOT,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout)
    assert found["cases"] == count
    assert 0.3 * count < found["refused"] < count


def changed(path: Path, change: Callable[[Any, dict[str, Any]], Any], model: Path = MODEL) -> Path:
    """A stored model with its facts changed, and a checksum that confirms the change."""
    header, body = mutations.opened(model.read_bytes())
    known = json.loads(header["__metadata__"]["nntrain"])
    change(known, header)
    known["facts_sha256"] = mutations.facts_sha256(known["facts"])
    header["__metadata__"]["nntrain"] = json.dumps(known, sort_keys=True)
    path.write_bytes(mutations.closed(header, body))
    return path


def refusal(path: Path) -> str:
    with pytest.raises(MachineError) as refused:
        read_model(path)
    message = str(refused.value)
    assert "\n" not in message
    assert message.startswith(f"{path}: ")
    return message.removeprefix(f"{path}: ")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "model.safetensors"


def test_the_change_of_nothing_is_read(file: Path) -> None:
    read_model(changed(file, lambda known, header: None))


def test_every_flipped_byte_is_refused(file: Path) -> None:
    whole = MODEL.read_bytes()
    for at in range(0, len(whole), 7):
        file.write_bytes(whole[:at] + bytes([whole[at] ^ 4]) + whole[at + 1 :])
        refusal(file)


def test_a_flipped_digit_of_the_preprocessing_is_refused(file: Path) -> None:
    whole = MODEL.read_bytes()
    at = whole.index(b'\\"preprocessor\\"')
    while not chr(whole[at]).isdigit():
        at += 1
    file.write_bytes(whole[:at] + (b"1" if whole[at : at + 1] != b"1" else b"2") + whole[at + 1 :])
    assert "checksum of its facts" in refusal(file)


def test_every_truncated_file_is_refused(file: Path) -> None:
    whole = MODEL.read_bytes()
    for keep in range(0, len(whole), 11):
        file.write_bytes(whole[:keep])
        refusal(file)


@pytest.mark.parametrize("length", [1 << 25, 1 << 40, (1 << 64) - 1])
def test_a_header_that_lies_about_its_length(file: Path, length: int) -> None:
    file.write_bytes(struct.pack("<Q", length) + MODEL.read_bytes()[8:])
    assert "header is longer" in refusal(file)


def test_a_header_with_more_values_than_any_model(file: Path) -> None:
    def fill(known: Any, header: dict[str, Any]) -> None:
        known["facts"]["config"] = [0] * (MOST_VALUES["model"] + 1)

    assert "more than 2,000,000 values" in refusal(changed(file, fill))


def test_a_layer_larger_than_the_machine_is_not_allocated(file: Path) -> None:
    def widen(known: Any, header: dict[str, Any]) -> None:
        known["facts"]["config"]["model"]["layers"][0]["units"] = 16_000_000_000_000

    assert "the config says float32 (" in refusal(changed(file, widen))


def test_a_number_that_is_not_json(file: Path) -> None:
    def spoil(known: Any, header: dict[str, Any]) -> None:
        known["facts"]["config"]["seed"] = float("nan")

    assert "NaN is not JSON" in refusal(changed(file, spoil))


@pytest.mark.parametrize(("version", "says"), [(2, "a newer nntrain is needed"), (0, "no format")])
def test_a_version_that_is_not_known(file: Path, version: int, says: str) -> None:
    assert says in refusal(
        changed(file, lambda known, header: known.update(format_version=version))
    )


@pytest.mark.parametrize("deep", [2_000, 100_000])
def test_facts_that_are_nested_without_end(file: Path, deep: int) -> None:
    header, body = mutations.opened(MODEL.read_bytes())
    header["__metadata__"]["nntrain"] = "[" * deep + "]" * deep
    file.write_bytes(mutations.closed(header, body))
    refusal(file)


def test_weights_of_another_dtype(file: Path) -> None:
    header, body = mutations.opened(MODEL.read_bytes())
    known = json.loads(header["__metadata__"]["nntrain"])
    rng = Random("a dtype")  # noqa: S311
    while not any(row.get("dtype") == "F64" for row in header.values()):
        header, body = mutations.opened(MODEL.read_bytes())
        body = mutations.change_array(rng, header, body, known)
    header["__metadata__"]["nntrain"] = json.dumps(known, sort_keys=True)
    file.write_bytes(mutations.closed(header, body))
    refusal(file)


def test_numbers_of_eight_bits(file: Path) -> None:
    def shrink(known: Any, header: dict[str, Any]) -> None:
        row = next(row for name, row in header.items() if name != "__metadata__")
        begin, end = row["data_offsets"]
        row.update(dtype="F8_E5M2", shape=[end - begin])

    refusal(changed(file, shrink))


def test_several_mistakes_in_a_config_are_one_line(file: Path) -> None:
    def spoil(known: Any, header: dict[str, Any]) -> None:
        known["facts"]["config"]["trainer"].update(max_epochs=-1, batch_size="x")

    assert "its config can not be used" in refusal(changed(file, spoil))


def interrupted(tmp_path: Path) -> Run:
    run = begin("classes", tmp_path)
    steps = iter([""] * 3 + ["interrupted"])
    list(fit(run, stop=lambda: next(steps)))
    return run


@pytest.mark.parametrize(
    "change",
    [{"epoch": "1"}, {"step": -1}, {"step": True}, {"loss_sum": []}, {"best": "x"}, {"looks": 3},
     {"history": [{"epoch": 1}]}, {"history": [{"epoch": {}}]}, {"warned": [1]}, {"more": 1},
     {"looks": [["1", "a", "b"]]}, {"looks": [[1, "a", "b", [], 0, 0, 0]]}],
    ids=str,
)  # fmt: skip
def test_progress_that_is_none_is_refused(tmp_path: Path, change: dict[str, Any]) -> None:
    run = interrupted(tmp_path)
    header, body = mutations.opened(run.folder.checkpoint.read_bytes())
    known = json.loads(header["__metadata__"]["nntrain"])
    known["facts"]["progress"].update(change)
    known["facts_sha256"] = mutations.facts_sha256(known["facts"])
    header["__metadata__"]["nntrain"] = json.dumps(known, sort_keys=True)
    run.folder.checkpoint.write_bytes(mutations.closed(header, body))
    with pytest.raises(MachineError, match="its progress can not be read"):
        run.load_checkpoint()


EPOCH = {"epoch": 1, "step": 7, "train_loss": float("nan")}


def test_progress_comes_back_as_it_was() -> None:
    one = Progress(step=3, best=0.5, history=History([EPOCH]), warned=["a"])
    history = History.from_table(one.history.names, one.history.table())
    other = Progress.from_plain(json.loads(json.dumps(one.to_plain())), history)
    assert other == one
    assert repr(other.history[0]) == repr(EPOCH)


def test_an_archive_of_another_program_is_no_model(tmp_path: Path) -> None:
    from safetensors.numpy import save_file

    path = tmp_path / "foreign.safetensors"
    save_file({"w": np.zeros(2, np.float32)}, path)
    assert "does not open as a file of nntrain" in refusal(path)
    with pytest.raises(MachineError):
        read_archive(path, "checkpoint")


def test_a_file_in_an_npz_that_is_no_array(tmp_path: Path) -> None:
    import zipfile

    path = tmp_path / "a.npz"
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("x.txt", "hello")
    with pytest.raises(DataError, match="is no array of NumPy's"):
        join(list(Npz().read(path)))


def test_an_array_of_python_2_is_read_without_a_word(tmp_path: Path) -> None:
    path = tmp_path / "a.npy"
    np.save(path, np.ones((4, 3)))
    content = path.read_bytes()
    path.write_bytes(content.replace(b"(4, 3), } ", b"(4L, 3), }"))
    assert b"4L" in path.read_bytes()
    assert len(join(list(Npy().read(path)))) == 4


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a: " + "[" * 100_000, "more than 100 levels"),
        ("a: &a [1]\n" + "".join(
            f"{c}: &{c} [{', '.join(['*' + b] * 9)}]\n" for b, c in pairwise("abcdefghi")
        ), "aliases are unfolded"),
        ("# " + "x" * (1 << 20), "longer than 1 MiB"),
    ],
    ids=["deep", "aliases", "long"],
)  # fmt: skip
def test_configs_that_would_take_all_memory(tmp_path: Path, text: str, says: str) -> None:
    from nntrain.config import load

    path = tmp_path / "a.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=says):
        load(path)


@pytest.mark.parametrize("labels", ["/etc/passwd", "../../secret", r"..\secret", "secret"])
def test_no_path_in_a_model_file_is_followed(file: Path, labels: str) -> None:
    model = MODEL.with_name("images.safetensors")

    def point(known: Any, header: dict[str, Any]) -> None:
        known["facts"]["config"]["data"]["format"] = {"type": "idx", "labels": labels}

    trained = open_run(str(changed(file, point, model)))
    source = trained.model.experiment.data.source("here/an-images.idx3")
    inside = {other.parent for other in source.companions(Path("here/an-images.idx3"))}
    assert inside == {Path("here")}


def test_a_damaged_model_exits_6(nntrain: Command, file: Path) -> None:
    file.write_bytes(MODEL.read_bytes()[:-1])
    failed = nntrain("predict", file, MODEL.with_name("table.csv"))
    assert failed.code == 6
    assert failed.err.startswith(f"error: {file}: the file is damaged: ")
    assert len(failed.err.splitlines()) == 1
