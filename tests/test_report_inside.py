"""What a report finds out about a network: importance, saliency, first weights, its drawing."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from nntrain.call import INFERENCE
from nntrain.data.dataset import Dataset
from nntrain.families import Array
from nntrain.report import exhibits, filters, gallery, importance, meeting, work
from nntrain.report.importance import SHUFFLES
from nntrain.report.judged import judge
from nntrain.report.png import png
from nntrain.report.svg import evenly
from nntrain.run.earlier import reload_dataset
from nntrain.run.model import Model, build_network, read_model
from nntrain.run.recorded import named
from nntrain.training.evaluate import evaluate
from tests.conftest import Command, write_points
from tests.pages import Page

IMAGES = """\
name: squares
data: {path: squares.csv, target: kind,
       preprocessing: {numeric: {scale: none}}}
model:
  layers:
    - {type: reshape, shape: [6, 5, 1]}
    - {type: conv2d, filters: 3, kernel_size: 3, activation: tanh}
    - {type: residual, layers: [{type: conv2d, filters: 3, kernel_size: 1}]}
    - {type: flatten}
    - {type: dense, units: auto}
loss: cross_entropy
optimizer: {type: adam, learning_rate: 0.02}
trainer: {max_epochs: 4, batch_size: 16}
"""


def write_images(folder: Path, config: str = IMAGES) -> Path:
    """Images of 6 × 5 points of three classes, each bright in another place."""
    rng = np.random.default_rng(0)
    lines = [",".join([*(f"p{n:02}" for n in range(30)), "kind"])]
    for row in range(180):
        image = rng.integers(0, 90, (6, 5))
        image[2 * (row % 3) : 2 * (row % 3) + 2] += 150
        lines.append(",".join([*map(str, image.ravel()), "abc"[row % 3]]))
    (folder / "squares.csv").write_text("\n".join(lines) + "\n")
    path = folder / "squares.yaml"
    path.write_text(config)
    return path


def opened(path: str) -> tuple[Model, Dataset]:
    folder = named(path).folder
    model = read_model(folder.model)
    return model, reload_dataset(folder, model.experiment, model.preprocessor)


@pytest.fixture
def images(tmp_path: Path, nntrain: Command) -> tuple[Model, Dataset]:
    ended = nntrain("fit", write_images(tmp_path), "-o", "run", "-q")
    assert ended.code == 0, ended.err
    return opened("run")


@pytest.fixture
def table(tmp_path: Path, nntrain: Command) -> tuple[Model, Dataset]:
    assert nntrain("fit", write_points(tmp_path), "-o", "run", "-q").code == 0
    return opened("run")


def test_importance_is_what_shuffling_costs(table: tuple[Model, Dataset]) -> None:
    model, dataset = table
    part = dataset.parts["validation"]
    found = importance.importance(model, dataset.parts, 9.0)
    assert found and (found.split, found.rows, found.of) == ("validation", len(part), len(part))
    assert {change.column for change in found.changes} == {"a", "b", "word"}
    assert found.loss == evaluate(model, part)["loss"]
    losses = [change.loss.mean() for change in found.changes]
    assert losses == sorted(losses, reverse=True)
    again = importance.importance(model, dataset.parts, 9.0)
    assert again and all(
        (one.loss == other.loss).all()
        for one, other in zip(found.changes, again.changes, strict=True)
    )
    places = model.preprocessor.places
    assert places["word"].stop - places["word"].start == 2  # one column, and shuffled as one
    for change in found.changes:
        rng, place = np.random.default_rng(1), places[change.column]
        many = []
        for _ in range(300):
            x = part.x.copy()
            x[:, place] = x[rng.permutation(len(x))][:, place]
            many.append(evaluate(model, replace(part, x=x))["loss"] - found.loss)
        assert change.loss.shape == (SHUFFLES,)
        assert abs(change.loss.mean() - np.mean(many)) <= 4 * np.std(many) / SHUFFLES**0.5


def test_a_column_that_is_not_used_has_no_importance(table: tuple[Model, Dataset]) -> None:
    model, dataset = table
    model.network.store.weights["layers.0.W"][model.preprocessor.places["a"]] = 0.0
    found = importance.importance(model, dataset.parts, 9.0)
    assert found
    (own,) = (change for change in found.changes if change.column == "a")
    assert (own.loss == 0).all() and own.score is not None and (own.score == 0).all()


def test_what_takes_long_is_left_to_the_report(table: tuple[Model, Dataset]) -> None:
    model, dataset = table
    cost = importance.cost(model, len(dataset.parts["validation"]))
    assert 0 < cost < work.AT_THE_END
    assert importance.importance(model, dataset.parts, cost / 2) is None
    assert importance.can_be_measured(model, dataset.parts)


def test_saliency_is_the_gradient_of_the_score(images: tuple[Model, Dataset]) -> None:
    model, dataset = images
    x = dataset.parts["test"].x[[0, 3, 6, 9, 12, 15]].astype(np.float64)
    network = build_network(model.experiment, model.preprocessor, np.float64)
    for name, weight in network.store.weights.items():
        weight[...] = model.network.store.weights[name]
    chosen = network(x, INFERENCE)[0].argmax(axis=1)
    assert len(set(chosen.tolist())) > 1
    slopes = np.zeros_like(x)
    for place in range(x.shape[1]):
        moved = []
        for step in (1e-5, -1e-5):
            other = x.copy()
            other[:, place] += step
            moved.append(network(other, INFERENCE)[0][np.arange(6), chosen])
        slopes[:, place] = (moved[0] - moved[1]) / 2e-5
    strength = np.abs(slopes).reshape(6, 6, 5)
    expected = strength / strength.max(axis=(1, 2), keepdims=True)
    before = {name: array.copy() for name, array in model.network.store.weights.items()}
    found = exhibits.saliency(model, x.astype(np.float32), (6, 5, 1))
    assert np.allclose(found, expected, atol=1e-3)
    for name, array in model.network.store.weights.items():
        assert (array == before[name]).all()


def test_the_images_are_those_of_the_file(images: tuple[Model, Dataset]) -> None:
    model, dataset = images
    part = dataset.parts["test"]
    judged = judge(model, "test", part)
    assert judged
    found = exhibits.exhibits(model, part, judged, 9.0)
    assert found and [one.told for one in found.worst] == list(judged.mistakes)
    cells = np.loadtxt("squares.csv", str, delimiter=",", skiprows=1)
    every = [*found.worst, *found.right]
    raw = np.array([cells[one.told.row - 1, :-1].astype(float) for one in every])
    grey = np.rint(255 * (raw - raw.min()) / (raw.max() - raw.min())).reshape(-1, 6, 5, 1)
    assert np.abs(np.array([one.pixels for one in every]).astype(int) - grey).max() <= 1
    for one in every:
        assert one.told.answers[0].true == cells[one.told.row - 1, -1]
        assert one.saliency is not None and one.saliency.max() == 1.0
    for one in found.right:
        assert one.told.answers[0].true == one.told.answers[0].predicted
        assert one.told.at not in {mistake.at for mistake in judged.mistakes}
    quick = exhibits.exhibits(model, part, judged, 0.0)
    assert quick and all(one.saliency is None for one in quick.worst)


def test_right_rows_take_turns_by_class(images: tuple[Model, Dataset]) -> None:
    model, dataset = images
    judged = judge(model, "test", dataset.parts["test"])
    assert judged
    true = np.array([2, 0, 0, 0, 1, 1, 2, 0, 0, 0, 0, 0])
    p = np.eye(3)[true]
    p[0] = [1, 0, 0]  # a mistake
    one = judged.certainties[0]._replace(p=p, true=true)
    own = judged._replace(certainties=(one,), mistakes=(judged.mistakes[0]._replace(at=1),))
    assert exhibits.right_rows(12, own).tolist() == [2, 4, 6, 3, 5, 7, 8, 9]
    assert evenly(10, 4).tolist() == [0, 3, 6, 9] and evenly(3, 9).tolist() == [0, 1, 2]


def test_first_weights_are_pictures_of_the_kernels(images: tuple[Model, Dataset]) -> None:
    model, _ = images
    found = filters.filters(model)
    assert found and found.layer == "layers.1" and found.total == 3
    W = model.network.store.weights["layers.1.W"]
    for number, picture in enumerate(found.pictures):
        own = W[:, :, 0, number]
        assert np.abs(picture[:, :, 0] - (127.5 + 127.5 * own / np.abs(own).max())).max() <= 0.5


def test_units_that_see_a_whole_image_are_pictures_too(tmp_path: Path, nntrain: Command) -> None:
    layers = IMAGES.index("    - {type: conv2d")
    dense = "    - {type: flatten}\n    - {type: dense, units: 70}\n"
    config = (
        IMAGES[:layers]
        + dense
        + "    - {type: dense, units: auto}\n"
        + IMAGES[IMAGES.index("loss:") :]
    )
    assert nntrain("fit", write_images(tmp_path, config), "-o", "run", "-q").code == 0
    model, _ = opened("run")
    found = filters.filters(model)
    assert found and found.pictures.shape == (filters.MOST_FILTERS, 6, 5, 1) and found.total == 70
    text = (tmp_path / "run" / "report.html").read_text()
    assert "64 of 70" in " ".join(Page(text).texts)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_a_png_is_what_pillow_reads(channels: int) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (7, 4, channels)).astype(np.uint8)
    with Image.open(io.BytesIO(png(pixels))) as image:
        image.load()
        assert image.mode == ("L", "LA", "RGB", "RGBA")[channels - 1]
        assert (np.asarray(image).reshape(pixels.shape) == pixels).all()


def test_glowing_goes_from_black_to_white() -> None:
    colours = gallery.glowing(np.array([[0.0, 1 / 3, 2 / 3, 1.0]]))[0].tolist()
    assert colours == [[0, 0, 0], [255, 0, 0], [255, 255, 0], [255, 255, 255]]


def test_the_work_is_counted_where_the_weights_are(images: tuple[Model, Dataset]) -> None:
    """Of a convolution at each of its places, of what is inside of layers once."""
    first, inside, last = (9 + 1) * 3 * 30, (3 + 1) * 3 * 12, (36 + 1) * 3
    assert work.multiplications(images[0]) == first + inside + last


def test_a_graph_stands_in_levels() -> None:
    takes = {"a": ["x"], "b": ["a"], "c": ["b", "x", "y"], meeting.END: ["c", "a"]}
    found = meeting.levels(["x", "y"], takes)
    nodes = [[place.node for place in level if not place.passes] for level in found]
    assert nodes == [["x", "y"], ["a"], ["b"], ["c"], [meeting.END]]
    passing = [{place.node for place in level if place.passes} for level in found]
    assert passing == [set(), {"x", "y"}, {"x", "y", "a"}, {"a"}, set()]


def test_the_drawing_has_every_layer(tmp_path: Path, nntrain: Command) -> None:
    config = """\
name: graph
data: {path: points.csv, target: kind}
model:
  layers:
    - type: graph
      inputs: {left: [a, b], right: word}
      nodes:
        one: {input: left, layers: [{type: dense, units: 21}]}
        two: {input: right, layers: [{type: dense, units: 21, activation: tanh}]}
        sum: {input: [one, two], combine: add}
        again: {input: sum, layers: [{type: dense, units: 6}]}
        twin: {input: sum, share: again}
      outputs: [again, twin, left]
    - {type: residual, repeat: 3, layers: [{type: residual, layers: [{type: dense, units: 14}]}]}
    - {type: dense, units: auto}
loss: cross_entropy
optimizer: adam
trainer: {max_epochs: 1, batch_size: 16}
"""
    assert nntrain("fit", write_points(tmp_path, config=config), "-o", "run", "-q").code == 0
    found = Page((tmp_path / "run" / "report.html").read_text())
    texts = found.texts[found.texts.index("drawing") :]
    drawn = texts[: texts.index("layer")]
    for words in ("input", "left", "right", "one", "sum, add", "twin, as again", "residual × 3",
                  "dense, tanh", "graph → 14"):  # fmt: skip
        assert words in drawn, words
    assert drawn.count("+") == 2  # of three equal blocks one is drawn


def test_very_deep_networks_are_drawn_in_part(tmp_path: Path, nntrain: Command) -> None:
    config = IMAGES[: IMAGES.index("    - {type: reshape")]
    config += "    - {type: dense, units: 2}\n" * 99 + "    - {type: dense, units: auto}\n"
    config += IMAGES[IMAGES.index("loss:") :]
    assert nntrain("fit", write_images(tmp_path, config), "-o", "run", "-q").code == 0
    text = " ".join(Page((tmp_path / "run" / "report.html").read_text()).texts)
    assert "… 40 more" in text


def test_images_have_no_columns_to_shuffle(images: tuple[Model, Dataset]) -> None:
    model, dataset = images
    assert not importance.can_be_measured(model, dataset.parts)


@pytest.mark.parametrize(
    ("left_out", "names"), [("b", ["a[-3]", "a[-2]", "a[-1]"]), ("", ["a", "b"])]
)
def test_of_windows_columns_or_steps_are_shuffled(
    tmp_path: Path, nntrain: Command, left_out: str, names: list[str]
) -> None:
    rng = np.random.default_rng(0)
    series: Array = np.sin(np.arange(120) / 3) + 0.1 * rng.normal(size=120)
    lines = ["a,b"] + [f"{x:.4f},{rng.normal():.4f}" for x in series.tolist()]
    (tmp_path / "wave.csv").write_text("\n".join(lines) + "\n")
    config = f"""\
name: wave
data: {{path: wave.csv, target: a, window: {{length: 3}}, split: {{by: time}},
       features: {{exclude: [{left_out}]}}}}
model: {{layers: [{{type: flatten}}, {{type: dense, units: auto}}]}}
loss: mean_squared_error
optimizer: {{type: adam, learning_rate: 0.05}}
trainer: {{max_epochs: 9, batch_size: 8}}
"""
    (tmp_path / "wave.yaml").write_text(config)
    ended = nntrain("fit", "wave.yaml", "-o", "run", "-q")
    assert ended.code == 0, ended.err
    model, dataset = opened("run")
    parts = {name: dataset.parts[name] for name in dataset.parts if name != "validation"}
    parts["test"] = dataset.parts["train"]
    found = importance.importance(model, parts, 9.0)
    assert found and found.split == "test"
    assert sorted(change.column for change in found.changes) == sorted(names)
    W = model.network.store.weights["layers.1.W"].reshape(3, len(names) if not left_out else 1)
    W[0] = W[2] = 0.0
    W[1, 1:] = 0.0
    found = importance.importance(model, parts, 9.0)
    assert found
    used = [change.column for change in found.changes if change.loss.any()]
    assert used == (["a[-2]"] if left_out else ["a"])


def test_after_a_long_training_more_may_be_measured(table: tuple[Model, Dataset]) -> None:
    model, _ = table
    assert work.at_the_end(model, 1000) == work.AT_THE_END
    long = work.at_the_end(model, 10**10)
    assert long == pytest.approx(0.015 * work.seconds(model, 10**10)) and long > work.AT_THE_END
