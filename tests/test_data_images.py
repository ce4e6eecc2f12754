"""Folders of images: classes and parts from the folders, sizes, colours, and damaged files."""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from nntrain.data import folders
from nntrain.data.formats import Images, by_ending
from nntrain.data.inputs import tables
from nntrain.data.settings import Data, Split
from nntrain.data.split import Parts
from nntrain.data.table import Table, join
from nntrain.errors import DataError, MachineError, Problem
from nntrain.families import Array
from tests.conftest import ROOT, Command

FASHION = ROOT / "datasets" / "fashion-mnist-2500-images-idx3-ubyte.gz"
CONFIG = """\
name: photos
data: {path: photos, target: class, id: file}
model:
  layers: [flatten, {type: dense, units: 32, activation: relu}, {type: dense, units: auto}]
loss: cross_entropy
trainer: {max_epochs: 4, batch_size: 16}
"""


def read(path: Path, source: Images = Images(), rows: int = 32768) -> Table:  # noqa: B008
    return join(list(source.read(path, rows)))


def failure(path: Path, source: Images = Images()) -> Problem:  # noqa: B008
    with pytest.raises(DataError) as caught:
        read(path, source)
    assert len(str(caught.value).splitlines()) <= 6
    return caught.value.problem


def save(pixels: Array, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
    return path


@pytest.fixture(scope="session")
def fashion() -> tuple[Array, list[str]]:
    """The first images of Fashion-MNIST and their classes."""
    table = join([next(by_ending(str(FASHION)).read(FASHION, 120))])
    return table.columns["image"], table.columns["label"].tolist()


@pytest.fixture
def photos(tmp_path: Path, fashion: tuple[Array, list[str]]) -> Path:
    """photos/<class>/*.png"""
    for number, (pixels, label) in enumerate(zip(*fashion, strict=True)):
        save(pixels, tmp_path / "photos" / label / f"{number:03}.png")
    (tmp_path / "photos" / ".DS_Store").write_bytes(b"\0")
    (tmp_path / "photos" / "0" / "Thumbs.db").write_bytes(b"\0")
    return tmp_path / "photos"


@pytest.mark.parametrize("rows", [7, 32768])
def test_a_folder_a_class(photos: Path, fashion: tuple[Array, list[str]], rows: int) -> None:
    table = read(photos, rows=rows)
    assert table.columns["image"].shape == (120, 28, 28, 1)
    assert table.columns["image"].dtype == np.uint8
    names = table.columns["file"].tolist()
    assert names == sorted(names)
    for row, name in enumerate(names):
        number = int(Path(name).stem)
        np.testing.assert_array_equal(table.columns["image"][row, :, :, 0], fashion[0][number])
        assert table.columns["class"][row] == fashion[1][number] == Path(name).parent.name
        assert table.file_of(row) == str(photos / name)


def test_fit_eval_and_predict(nntrain: Command, photos: Path, tmp_path: Path) -> None:
    config = CONFIG.replace(", id: file", "")
    (tmp_path / "photos.yaml").write_text(config)
    assert nntrain("fit", "photos.yaml", "-q").code == 0
    scores = json.loads(nntrain("eval", "--json").out)
    assert scores["rows"] == 18
    # the same pixels in a file of arrays train the same network
    table = read(photos)
    arrays: dict[str, Any] = {
        "image": table.columns["image"],
        "class": np.array(table.columns["class"].tolist()),
    }
    np.savez(tmp_path / "photos.npz", **arrays)
    (tmp_path / "npz.yaml").write_text(config.replace("path: photos", "path: photos.npz"))
    assert nntrain("fit", "npz.yaml", "-q", "--output-dir", "npz").code == 0
    ours = (tmp_path / "runs" / "photos" / "001" / "model.safetensors").read_bytes()
    assert ours == (tmp_path / "npz" / "model.safetensors").read_bytes()

    run = "runs/photos/001"
    whole = nntrain("predict", run, "photos/")
    assert whole.code == 0 and whole.err == ""
    assert whole.out == nntrain("predict", "npz", "photos.npz").out
    lines = whole.out.splitlines()
    name = table.columns["file"][4]
    one = nntrain("predict", run, f"photos/{name}").out.splitlines()[1].split(",")
    assert one[:2] == ["1", lines[5].split(",")[1]]
    zeros = (table.columns["class"] == "0").sum()
    assert len(nntrain("predict", run, "photos/0/*.png").out.splitlines()) == 1 + zeros
    again = json.loads(nntrain("eval", run, "--data", "photos", "--json").out)
    assert again["rows"] == 120

    facts = json.loads((tmp_path / run / "manifest.json").read_text())["data"]
    assert facts["path"] == str(photos)
    assert facts["bytes"] == sum(len(file.read_bytes()) for file in photos.rglob("[!.]*.*"))
    save(np.zeros((28, 28), np.uint8), photos / "0" / "new.png")
    changed = nntrain("eval", run)
    assert changed.code == 3 and "the data has changed" in changed.err


PARTS = {"train": (0, 80), "val": (80, 100), "test": (100, 120)}


def spread(tmp_path: Path, fashion: tuple[Array, list[str]], names: dict[str, str]) -> None:
    for number, (pixels, label) in enumerate(zip(*fashion, strict=True)):
        part = next(part for part, (low, high) in PARTS.items() if low <= number < high)
        if part in names:
            save(pixels, tmp_path / "photos" / names[part] / label / f"{number:03}.png")


def rows_of(run: Path) -> dict[str, int]:
    found: dict[str, int] = json.loads((run / "manifest.json").read_text())["data"]["rows"]
    return found


@pytest.mark.parametrize(
    "names, rows",
    [
        ({"train": "train", "val": "val", "test": "test"}, [80, 20, 20]),
        ({"train": "Training", "val": "validation", "test": "testing"}, [80, 20, 20]),
        ({"train": "train", "test": "test"}, [68, 12, 20]),
        ({"train": "train", "val": "valid"}, [68, 20, 12]),
        ({"train": "train"}, [56, 12, 12]),
    ],
)
def test_folders_of_parts(
    nntrain: Command,
    tmp_path: Path,
    fashion: tuple[Array, list[str]],
    names: dict[str, str],
    rows: list[int],
) -> None:
    spread(tmp_path, fashion, names)
    (tmp_path / "photos.yaml").write_text(CONFIG)
    assert nntrain("fit", "photos.yaml", "-q").code == 0
    assert list(rows_of(tmp_path / "runs" / "photos" / "001").values()) == rows
    if "test" in names:
        asked = f"photos/{names['test']}"
        told, other = (
            json.loads(nntrain("eval", *more, "--json").out) for more in ([], ["--data", asked])
        )
        assert told["metrics"] == other["metrics"]
    assert nntrain("predict", "photos").code == 0


def test_parts_without_a_folder_are_training_rows() -> None:
    told = np.array(["test", "train", "train", "train", "train", "train"])
    cut = folders.as_told(told, None, Split(0.4, 0.15, "random"), 0)
    assert isinstance(cut, Parts)
    assert cut.test.tolist() == [0]
    assert len(cut.validation) == 2
    assert sorted([*cut.train, *cut.validation]) == [1, 2, 3, 4, 5]


def test_the_file_can_be_the_id(nntrain: Command, photos: Path, tmp_path: Path) -> None:
    (tmp_path / "photos.yaml").write_text(CONFIG)
    assert nntrain("fit", "photos.yaml", "-q").code == 0
    rows = nntrain("predict", "photos").out.splitlines()[1:]
    assert [row.split(",")[0] for row in rows] == read(photos).columns["file"].tolist()


def test_a_flat_folder_has_no_classes(nntrain: Command, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for i in range(30):
        save(rng.integers(0, 255, (4, 4), dtype=np.uint8), tmp_path / "photos" / f"{i}.png")
    assert list(read(tmp_path / "photos").columns) == ["image", "file"]
    (tmp_path / "photos.yaml").write_text(CONFIG)
    found = nntrain("fit", "photos.yaml")
    assert found.code == 3 and "data.target names a column that the file lacks" in found.err
    own = CONFIG.replace("target: class, ", "").replace("cross_entropy", "mean_squared_error")
    (tmp_path / "photos.yaml").write_text(own)
    assert nntrain("fit", "photos.yaml", "-q").code == 0


# Sizes and colours


def test_sizes(tmp_path: Path) -> None:
    save(np.full((6, 4), 9, np.uint8), tmp_path / "a" / "1.png")
    odd = save(np.full((6, 8), 9, np.uint8), tmp_path / "a" / "2.png")
    problem = failure(tmp_path)
    assert problem.file == str(odd)
    assert "6 × 8 points" in problem.message and "6 × 4" in problem.message
    assert "size: [HEIGHT, WIDTH]" in problem.hint
    table = read(tmp_path, Images(size=(3, 5)))
    assert table.columns["image"].shape == (2, 3, 5, 1)
    assert (table.columns["image"] == 9).all()


def test_an_image_is_made_smaller_by_taking_means(tmp_path: Path) -> None:
    board = (np.indices((64, 64)).sum(axis=0) % 2 * 200).astype(np.uint8)
    save(board, tmp_path / "1.png")
    small = read(tmp_path, Images(size=(8, 8))).columns["image"]
    assert (np.abs(small.astype(int) - 100) <= 2).all()


def test_colours(tmp_path: Path) -> None:
    grey = np.arange(16, dtype=np.uint8).reshape(4, 4)
    save(grey, tmp_path / "a" / "1.png")
    assert read(tmp_path).columns["image"].shape == (1, 4, 4, 1)
    color = np.zeros((4, 4, 3), np.uint8)
    color[..., 0] = 200
    odd = save(color, tmp_path / "a" / "2.png")
    problem = failure(tmp_path)
    assert problem.file == str(odd) and "the image is coloured" in problem.message
    both = read(tmp_path, Images(color="rgb")).columns["image"]
    np.testing.assert_array_equal(both[0], np.repeat(grey[..., None], 3, axis=2))
    np.testing.assert_array_equal(both[1], color)
    assert read(tmp_path, Images(color="grey")).columns["image"][1, 0, 0, 0] == round(200 * 0.299)


def test_modes_of_images(tmp_path: Path) -> None:
    deep = np.array([[0, 65535], [256, 512]], dtype=np.uint16)
    save(deep, tmp_path / "deep.png")
    assert read(tmp_path / "deep.png").columns["image"].ravel().tolist() == [0, 255, 1, 2]
    clear = np.zeros((1, 2, 4), np.uint8)
    clear[0, 1] = 10, 20, 30, 255
    save(clear, tmp_path / "clear.png")
    assert read(tmp_path / "clear.png").columns["image"].tolist() == [
        [[[255, 255, 255], [10, 20, 30]]]
    ]
    save(np.array([[True, False]]), tmp_path / "bits.png")
    assert read(tmp_path / "bits.png").columns["image"].ravel().tolist() == [255, 0]
    red = Image.fromarray(np.full((2, 2, 3), (250, 5, 5), np.uint8))
    red.convert("P", palette=Image.Palette.ADAPTIVE).save(tmp_path / "few.gif")
    assert read(tmp_path / "few.gif").columns["image"].shape == (1, 2, 2, 3)
    tall = Image.fromarray(np.array([[0, 255]], np.uint8))
    upright = tall.getexif()
    upright[0x0112] = 6
    tall.save(tmp_path / "turned.jpg", exif=upright)
    assert read(tmp_path / "turned.jpg").columns["image"].shape == (1, 2, 1, 1)
    Image.fromarray(np.array([[0.5]], np.float32)).save(tmp_path / "real.tif")
    assert "its points are not bytes" in failure(tmp_path / "real.tif").message


# What is wrong


@pytest.mark.parametrize("ending", ["png", "jpg", "gif", "webp", "bmp", "tif"])
def test_damaged_images(tmp_path: Path, ending: str) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (40, 40, 3), dtype=np.uint8)
    save(noise, tmp_path / "a" / f"1.{ending}")
    bad = save(noise, tmp_path / "a" / f"2.{ending}")
    whole = bad.read_bytes()
    for size in (len(whole) // 2, len(whole) // 10, 9, 0):
        bad.write_bytes(whole[:size])
        problem = failure(tmp_path)
        assert problem.file == str(bad)
        assert "damaged" in problem.message or "this is no image" in problem.message
    bad.write_bytes(b"GIF, or so they say")
    assert failure(tmp_path).file == str(bad)


def test_an_image_of_another_kind_than_its_name_says(tmp_path: Path) -> None:
    Image.fromarray(np.zeros((2, 2), np.uint8)).save(tmp_path / "a.png", format="BMP")
    assert read(tmp_path / "a.png").columns["image"].shape == (1, 2, 2, 1)
    Image.fromarray(np.zeros((2, 2), np.uint8)).save(tmp_path / "a.png", format="PCX")
    assert "this is no image: it begins with 0a" in failure(tmp_path / "a.png").message


def test_an_image_that_would_fill_the_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(np.zeros((40, 40), np.uint8), tmp_path / "a.png")
    for most in (1000, 500):  # beyond the first is a warning of Pillow's, beyond twice an error
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", most)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            assert "decompression bomb" in failure(tmp_path / "a.png").message


def test_layouts_that_say_nothing(tmp_path: Path) -> None:
    pixels = np.zeros((2, 2), np.uint8)
    (tmp_path / "photos").mkdir()
    assert "there are no images" in failure(tmp_path / "photos").message
    (tmp_path / "photos" / "rows.csv").write_text("a\n1\n")
    assert failure(tmp_path / "photos").hint.endswith("give a pattern: photos/*.csv")
    (tmp_path / "photos" / "rows.csv").unlink()
    save(pixels, tmp_path / "photos" / "cat" / "1.png")
    (tmp_path / "photos" / "dog").mkdir()
    assert failure(tmp_path / "photos").file == str(tmp_path / "photos" / "dog")
    beside = save(pixels, tmp_path / "photos" / "1.png")
    assert failure(tmp_path / "photos").file == str(beside)
    for part in ("train/cat/1", "train/dog/1", "test/1"):
        last = save(pixels, tmp_path / "parts" / f"{part}.png")
    assert "some parts have folders" in failure(tmp_path / "parts").message
    last.unlink()
    assert failure(tmp_path / "parts").file == str(tmp_path / "parts" / "test")
    assert failure(tmp_path / "nowhere").message == "there is no such file"


def test_folders_of_classes_that_look_like_parts(tmp_path: Path) -> None:
    for name in ("train", "plane"):
        save(np.zeros((2, 2), np.uint8), tmp_path / name / "1.png")
    assert read(tmp_path).columns["class"].tolist() == ["plane", "train"]


def test_a_model_of_other_images(nntrain: Command, photos: Path, tmp_path: Path) -> None:
    (tmp_path / "photos.yaml").write_text(CONFIG)
    assert nntrain("fit", "photos.yaml", "-q").code == 0
    save(np.zeros((9, 9, 3), np.uint8), tmp_path / "other.png")
    found = nntrain("predict", "other.png")
    assert found.code == 3
    assert "`image` holds 9 × 9 × 3, the model needs 28 × 28 × 1" in found.err
    sized = CONFIG.replace(
        "id: file", "id: file, format: {type: images, size: [9, 9], color: grey}"
    )
    (tmp_path / "photos.yaml").write_text(sized)
    assert nntrain("fit", "photos.yaml", "-q").code == 0
    assert nntrain("predict", "other.png").code == 0


def test_a_convolution_sees_a_folder_as_images(
    nntrain: Command, photos: Path, tmp_path: Path
) -> None:
    layers = "[{type: conv2d, filters: 2, kernel_size: 3}, flatten, {type: dense, units: auto}]"
    config = "\n".join(line for line in CONFIG.splitlines() if "layers:" not in line)
    (tmp_path / "photos.yaml").write_text(config.replace("model:", f"model: {{layers: {layers}}}"))
    found = nntrain("fit", "photos.yaml", "-q", "--set", "trainer.max_epochs=1")
    assert (found.code, found.err.count("error")) == (0, 0)


def test_columns_of_a_folder_are_told(nntrain: Command, photos: Path, tmp_path: Path) -> None:
    (tmp_path / "photos.yaml").write_text(CONFIG.replace(", id: file", ""))
    found = nntrain("check", "photos.yaml")
    assert found.code == 0
    assert "the file of the image" in found.out + found.err


def test_several_folders(tmp_path: Path, photos: Path) -> None:
    both = join(list(tables(Data(path="").source, [photos / "0", photos / "1"])))
    rows = len(list((photos / "0").glob("*.png")))
    assert both.file_of(0) == str(sorted((photos / "0").glob("*.png"))[0])
    assert both.file_of(rows) == str(sorted((photos / "1").glob("*.png"))[0])


def test_without_pillow(
    nntrain: Command, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "photos.yaml").write_text(CONFIG)
    monkeypatch.setitem(sys.modules, "PIL.Image", None)
    found = nntrain("fit", "photos.yaml")
    assert found.code == MachineError.exit_code
    assert 'python -m pip install "nntrain[images]"' in found.err
