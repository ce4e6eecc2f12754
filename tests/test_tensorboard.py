"""Event files, as TensorBoard's own reader reads them back."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from nntrain.config import load
from nntrain.data.dataset import Dataset
from nntrain.events import Warned
from nntrain.run.folder import RunFolder
from nntrain.run.run import Run
from nntrain.training import insight
from nntrain.training.board import filters, grid
from nntrain.training.event_files import EventFile, png
from nntrain.training.fit import fit
from tests.conftest import CONFIG, ROOT, Command, write_points
from tests.test_going_on import diverging

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

ON = ["--set", "trainer.tensorboard=true"]


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """A look after every epoch."""
    monkeypatch.setattr(insight, "STEPS", 1)


@pytest.fixture
def points(tmp_path: Path) -> Path:
    return write_points(tmp_path, config=CONFIG.replace("16}", "16, tensorboard: true}"))


def read(run: str | Path) -> Any:
    found = EventAccumulator(str(RunFolder(Path(run)).tensorboard), {"images": 0, "histograms": 0})
    found.Reload()
    return found


def rows(run: str | Path) -> list[dict[str, float]]:
    text = RunFolder(Path(run)).metrics_csv.read_text()
    return [{k: float(v) for k, v in row.items()} for row in csv.DictReader(io.StringIO(text))]


def equals_the_table(run: str | Path) -> bool:
    found, table = read(run), rows(run)
    names = set(table[0]) - {"step"}
    assert set(found.Tags()["scalars"]) == names | {"samples_per_second"}
    for name in names:
        seen = [(each.step, each.value) for each in found.Scalars(name)]
        assert seen == [(row["step"], pytest.approx(row[name], rel=1e-6)) for row in table]
    return True


def test_scalars_and_histograms_are_those_of_the_run(nntrain: Command, points: Path) -> None:
    assert nntrain("fit", points, "-q", "-o", "run").code == 0
    assert equals_the_table("run")
    found, table = read("run"), rows("run")
    tags = found.Tags()
    assert {tag.partition("/")[0] for tag in tags["histograms"]} == {"weights", "gradients"}
    assert "weights/layers.0.W" in tags["histograms"] and tags["images"] == []
    histograms = found.Histograms("weights/layers.0.W")
    assert [each.step for each in histograms] == [row["step"] for row in table]
    with (Path("run") / "layers.csv").open() as file:
        looks = [row for row in csv.DictReader(file) if row["layer"] == "layers.0"]
    for look, W, b in zip(
        looks,
        found.Histograms("gradients/layers.0.W"),
        found.Histograms("gradients/layers.0.b"),
        strict=True,
    ):
        squares = W.histogram_value.sum_squares + b.histogram_value.sum_squares
        assert squares**0.5 == pytest.approx(float(look["gradient_norm"]), rel=1e-4)
        assert sum(W.histogram_value.bucket) == W.histogram_value.num


def test_nothing_else_is_changed_by_it(nntrain: Command, points: Path) -> None:
    nntrain("fit", points, "-q", "-o", "with")
    nntrain("fit", points, "-q", "-o", "without", "--set", "trainer.tensorboard=false")
    assert not Path("without/tensorboard").exists()
    for name in ("model.safetensors", "metrics.csv", "layers.csv"):
        assert Path("with", name).read_bytes() == Path("without", name).read_bytes()
    assert nntrain("runs", "verify", "with", "-q").code == 0


@pytest.mark.parametrize("after", [1, 17, 25, 64])
def test_a_resumed_run_has_no_step_twice(after: int, points: Path) -> None:
    loaded = load(points, ["trainer.checkpoint_steps=10"])
    dataset = Dataset.load(loaded.experiment.data, loaded.data_path, loaded.experiment.loss.goal, 0)
    run = Run.start(loaded, dataset, points.parent / "run")
    for number, _ in enumerate(fit(run)):
        if number == after:
            break  # and is not saved
    run = Run.resume(RunFolder(points.parent / "run"))
    list(fit(run))
    assert equals_the_table(points.parent / "run")
    found = read(points.parent / "run")
    steps = [each.step for each in found.Histograms("weights/layers.0.W")]
    assert steps == sorted(set(steps)) and steps[-1] == rows(points.parent / "run")[-1]["step"]


def test_turned_on_later_it_has_the_epochs_before(nntrain: Command, points: Path) -> None:
    nntrain("fit", points, "-q", "-o", "run", "--set", "trainer.tensorboard=false")
    more = ["--set", "trainer.max_epochs=9", *ON]
    assert nntrain("fit", "--resume", "run", "-q", *more).code == 0
    assert len(rows("run")) == 9 and equals_the_table("run")


def test_going_back_takes_steps_back(nntrain: Command, tmp_path: Path) -> None:
    nntrain("fit", diverging(tmp_path), "-q", "-o", "run", *ON)
    assert json.loads(Path("run/summary.json").read_text())["retries"]
    assert equals_the_table("run")


LAST = "{type: dense, units: auto}"
CONV = "{type: conv2d, filters: 5, kernel_size: 3}, flatten"


@pytest.mark.parametrize("layers", [CONV, "flatten, {type: dense, units: 5}"])
def test_images_of_inputs_and_filters(nntrain: Command, tmp_path: Path, layers: str) -> None:
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "x.npz", x=rng.random((60, 6, 7, 1)), y=rng.integers(0, 2, 60))
    text = "data: {path: x.npz, target: y}\n"
    text += f"model: {{layers: [{layers}, {LAST}]}}\nloss: cross_entropy\n"
    (tmp_path / "c.yaml").write_text(text)
    sets = [*ON, "--set", "trainer.max_epochs=3"]
    assert nntrain("fit", "c.yaml", "-q", "-o", "run", *sets).code == 0
    found = read("run")
    (inputs,) = found.Images("inputs")
    assert (inputs.width, inputs.height) == (4 * (7 * 5 + 2), 4 * (6 * 5 + 2))
    picture = np.asarray(Image.open(io.BytesIO(inputs.encoded_image_string)))
    assert picture.shape == (inputs.height, inputs.width)
    assert [each.step for each in found.Images("filters")] == [row["step"] for row in rows("run")]


def test_pictures() -> None:
    rng = np.random.default_rng(1)
    pixels = rng.integers(0, 256, (5, 4, 3), dtype=np.uint8)
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(png(pixels)))), pixels)
    whole = grid(np.arange(2 * 40 * 40.0).reshape(2, 40, 40, 1))
    assert whole.shape == (42, 84, 1) and whole[1, 1] == 0 and whole[40, 40] == 255
    W = rng.random((9, 2))
    found = filters({"b": np.zeros(3), "W": W}, (3, 3, 1))
    assert found is not None and np.array_equal(found[1].ravel(), W[:, 1])
    assert filters({"W": W}, (9,)) is None


def test_without_the_extra_nothing_begins(
    nntrain: Command, points: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.startswith("tensorboardX")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    done = nntrain("fit", points, "-o", "run")
    assert done.code == 6 and 'pip install "nntrain[tensorboard]"' in done.err
    assert not Path("run").exists()


def test_a_disk_that_is_full_ends_the_writing_only(
    nntrain: Command, points: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(EventFile, "histogram", full)
    done = nntrain("fit", points, "-o", "run")
    assert done.code == 0
    assert done.err.count("can not be written: No space left on device") == 1
    assert json.loads(Path("run/summary.json").read_text())["status"] == "completed"


def test_a_file_in_the_way_is_a_warning(nntrain: Command, points: Path) -> None:
    loaded = load(points)
    dataset = Dataset.load(loaded.experiment.data, loaded.data_path, loaded.experiment.loss.goal, 0)
    run = Run.start(loaded, dataset, Path("run"))
    run.folder.tensorboard.write_text("in the way")
    warned = [e for e in fit(run) if isinstance(e, Warned) and e.kind == "tensorboard"]
    assert len(warned) == 1


def test_it_is_replaced_with_the_run(nntrain: Command, points: Path) -> None:
    nntrain("fit", points, "-q", "-o", "run")
    assert nntrain("fit", points, "-q", "-o", "run", "--overwrite").code == 0
    assert len(list(Path("run/tensorboard").iterdir())) == 1
    nntrain("fit", points, "-q", "-o", "several", "--seeds", "2")
    assert len(list(Path("several").glob("*/tensorboard/*"))) == 2
    assert nntrain("fit", points, "-q", "-o", "several", "--overwrite").code == 0
    Path("run/tensorboard/mine").touch()
    assert "tensorboard/mine" in nntrain("fit", points, "-o", "run", "--overwrite").err


def test_it_is_loaded_only_where_it_is_asked_for(nntrain: Command, points: Path) -> None:
    code = (
        "import sys; from nntrain.cli import main\n"
        f"sys.argv = ['nntrain', 'fit', {str(ROOT / 'configs' / 'iris.yaml')!r}, '-q']\n"
        "main()\nassert not any(m.startswith('tensorboard') for m in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
