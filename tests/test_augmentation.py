"""Augmentations: what they do, that they follow from (seed, step, row), how they train."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nntrain.augmentations import (
    Brightness,
    Cutmix,
    Cutout,
    Flip,
    Mixup,
    Noise,
    Rotate,
    Scale,
    Shift,
    TimeShift,
    Zoom,
)
from nntrain.augmentations.mixing import beta
from nntrain.augmentations.sampling import mapped, moved
from nntrain.data.batches import Batch
from nntrain.families import Array, Augmentation, Draws, Shape
from nntrain.families.augmentation import Rows
from nntrain.run.run import Run
from nntrain.training.augment import make_augment
from nntrain.training.fit import fit
from tests.cases import AUGMENTATIONS, label, reference
from tests.conftest import Command
from tests.test_run import same_files, start

N = 6
every = pytest.mark.parametrize(
    "kind, shape", AUGMENTATIONS, ids=[f"{label(c.augmentation)} {c.shape}" for c in AUGMENTATIONS]
)


def rows(shape: Shape, n: int = N, dtype: Any = np.float32) -> Rows:
    rng = np.random.default_rng(4)
    target = np.eye(3, dtype=dtype)[np.arange(n) % 3]
    return Rows(rng.normal(size=(n, *shape)).astype(dtype), target)


def draws(step: int = 3, n: int = N, seed: int = 5) -> Draws:
    return Draws(seed, "augmentation", 0).at(step, n)


def image(*lines: str) -> Array:
    """(1, H, W, 1), a number a letter."""
    return np.array([[int(c) for c in line] for line in lines], dtype=np.float32)[None, :, :, None]


# What holds for all


@every
def test_it_writes_into_nothing_and_keeps_shape_and_type(kind: Augmentation, shape: Shape) -> None:
    given = rows(shape)
    x, target = given.x.copy(), given.target.copy()
    found = kind(given, draws())
    assert np.array_equal(given.x, x)
    assert np.array_equal(given.target, target)
    assert (found.x.shape, found.x.dtype) == (x.shape, x.dtype)
    assert (found.target.shape, found.target.dtype) == (target.shape, target.dtype)
    assert np.isfinite(found.x).all()
    assert not np.array_equal(found.x, x)
    assert np.array_equal(found.target, target) != kind.mixes
    assert np.allclose(found.target.sum(axis=1), 1.0, atol=1e-6)


@every
def test_it_follows_from_seed_and_step(kind: Augmentation, shape: Shape) -> None:
    one, two = (kind(rows(shape), draws()) for _ in range(2))
    assert one.x.tobytes() == two.x.tobytes()
    used = draws(9)
    kind(rows(shape), used)
    assert kind(rows(shape), used.at(3, N)).x.tobytes() == one.x.tobytes()
    for other in (draws(4), draws(seed=6)):
        assert kind(rows(shape), other).x.tobytes() != one.x.tobytes()


@every
def test_rows_do_not_know_of_each_other(kind: Augmentation, shape: Shape) -> None:
    if kind.mixes:
        return
    whole, given = kind(rows(shape), draws()), rows(shape)
    few = kind(Rows(given.x[:2], given.target[:2]), draws(n=2))
    assert np.array_equal(whole.x[:2], few.x)


@pytest.mark.parametrize("kind", [Noise(), Scale(), TimeShift(1), TimeShift(5)])
def test_padding_stays_zeros_and_is_never_seen(kind: Augmentation) -> None:
    given, lengths = rows((8, 2)), np.array([8, 3, 1, 5, 8, 2])
    padded = np.arange(8) >= lengths[:, None]
    x = given.x.copy()
    x[padded] = 0.0
    found = kind(Rows(x, given.target, lengths), draws())
    assert not found.x[padded].any()
    assert np.array_equal(found.lengths, lengths)  # type: ignore[arg-type]
    x[padded] = 99.0
    again = kind(Rows(x, given.target, lengths), draws())
    if not isinstance(kind, Scale):
        assert again.x[~padded].tobytes() == found.x[~padded].tobytes()


# Each by itself


def test_moved_by_hand() -> None:
    x = image("123", "456", "789")
    assert np.array_equal(moved(x, np.array([1]), np.array([0])), image("123", "123", "456"))
    assert np.array_equal(moved(x, np.array([0]), np.array([-1])), image("233", "566", "899"))
    assert np.array_equal(moved(x, np.array([-9]), np.array([9])), image("777", "777", "777"))


def test_all_shifts_are_equally_frequent() -> None:
    x = np.zeros((20000, 5, 5, 1), np.float32)
    x[:, 2, 2] = 1.0
    found = Shift(1)(Rows(x, x), draws(n=20000)).x[..., 0].mean(axis=0)
    assert np.allclose(found[1:4, 1:4], 1 / 9, atol=0.01)
    assert not found[0].any() and not found[:, 4].any()


def test_flips_by_hand() -> None:
    x = np.repeat(image("12", "34"), 400, axis=0)
    for kind, wanted in (
        (Flip(), ["1234", "2143"]),
        (Flip("vertical"), ["1234", "3412"]),
        (Flip("both"), ["1234", "2143", "3412", "4321"]),
    ):
        found = kind(Rows(x, x), draws(n=400)).x.reshape(400, 4).astype(int)
        texts, counts = np.unique(["".join(map(str, row)) for row in found], return_counts=True)
        assert texts.tolist() == wanted
        assert (np.abs(counts / 400 - 1 / len(wanted)) < 0.07).all()


@pytest.mark.parametrize("name, entry", reference("pytorch", "mapped").items())
@pytest.mark.parametrize("dtype, near", [(np.float64, 1e-12), (np.float32, 1e-5)])
def test_images_seen_from_elsewhere(
    name: str, entry: dict[str, Any], dtype: Any, near: float
) -> None:
    x, matrix = np.array(entry["x"], dtype), np.array([entry["matrix"]])
    assert np.allclose(mapped(x, matrix), np.array(entry["y"]), rtol=0, atol=near)


def test_a_turn_by_a_quarter_is_exact() -> None:
    x = image("123", "456", "789").astype(np.float64)
    quarter = np.array([[[0.0, 1.0], [-1.0, 0.0]]])
    assert np.allclose(mapped(x, quarter), image("369", "258", "147"))
    assert np.allclose(mapped(x, np.eye(2)[None]), x)


def test_angles_and_factors_stay_within_their_bounds() -> None:
    """The places that a linear image is read at tell the matrix."""
    down, right = np.mgrid[-3:4, -3:4].astype(np.float64)
    x = np.repeat(np.stack([down, right], axis=-1)[None], 500, axis=0)
    found = Rotate(20.0)(Rows(x, x), draws(n=500)).x
    angles = np.degrees(np.arctan2(found[:, 3, 4, 0], found[:, 3, 4, 1]))
    assert -20 <= angles.min() < -18 and 18 < angles.max() <= 20
    found = Zoom(0.2)(Rows(x, x), draws(n=500)).x
    factors = 1.0 / found[:, 3, 4, 1]
    assert 0.8 <= factors.min() < 0.82 and 1.18 < factors.max() <= 1.2


def test_one_brightness_an_image() -> None:
    given = rows((4, 4, 3), 300)
    change = Brightness(0.5)(given, draws(n=300)).x - given.x
    assert np.ptp(change, axis=(1, 2, 3)).max() < 1e-5
    means = change.mean(axis=(1, 2, 3))
    assert -0.5 <= means.min() < -0.48 and 0.48 < means.max() <= 0.5


def test_noise_and_scale_have_their_deviations() -> None:
    given = rows((50, 4), 200)
    change = Noise(0.3)(given, draws(n=200)).x - given.x
    assert abs(change.std() - 0.3) < 0.01
    factors = Scale(0.2)(given, draws(n=200)).x / given.x
    assert np.ptp(factors, axis=1).max() < 1e-4
    assert abs(factors[:, 0].std() - 0.2) < 0.02
    assert abs(factors[:, 0].mean() - 1.0) < 0.02


def test_cutout_hides_a_square() -> None:
    x = np.ones((2000, 7, 9, 2), np.float32)
    hidden = Cutout(3)(Rows(x, x), draws(n=2000)).x[..., 0] == 0.0
    sizes = hidden.sum(axis=(1, 2))
    assert sorted(set(sizes.tolist())) == [4, 6, 9]
    assert hidden.any(axis=0).all()
    for one in hidden[:50]:
        down, right = one.any(axis=1), one.any(axis=0)
        assert np.array_equal(one, down[:, None] & right)


def test_time_shift_by_hand() -> None:
    x = np.arange(1.0, 6.0, dtype=np.float32)[None, :, None].repeat(300, axis=0)
    lengths = np.full(300, 4)
    found = TimeShift(1)(Rows(x, x, lengths), draws(n=300)).x[..., 0]
    assert {tuple(row) for row in found.tolist()} == {
        (1, 1, 2, 3, 0), (1, 2, 3, 4, 0), (2, 3, 4, 4, 0)}  # fmt: skip


def test_mixup_mixes_two_rows_and_their_targets() -> None:
    x, target = np.eye(40, dtype=np.float32), np.eye(40, dtype=np.float32)
    found = Mixup(1.0)(Rows(x, target), draws(n=40))
    assert np.array_equal(found.x, found.target)
    assert ((found.x > 0).sum(axis=1) <= 2).all()
    own = np.diagonal(found.x)
    assert len(np.unique(own)) > 30  # every row has a share of its own
    assert ((found.x - np.diag(own) > 0).sum(axis=0) <= 1).all()  # each is a partner once


def test_cutmix_mixes_by_pixels() -> None:
    x = np.repeat(np.arange(1.0, 31.0), 48).reshape(30, 6, 8, 1).astype(np.float32)
    found = Cutmix()(Rows(x, np.eye(30, dtype=np.float32)), draws(n=30))
    for pixels, shares in zip(found.x.reshape(30, -1), found.target, strict=True):
        counts = np.bincount(pixels.astype(int) - 1, minlength=30) / 48
        assert np.allclose(counts, shares, atol=1e-6)
    assert (found.target.max(axis=1) < 1).sum() > 10


@pytest.mark.parametrize("alpha", [0.1, 0.2, 1.0, 2.0, 8.0])
def test_beta_has_the_moments_of_beta(alpha: float) -> None:
    """Mean 1/2, variance 1 / (4 (2α + 1)), fourth central moment 3 / (16 (2α + 1) (2α + 3))."""
    found = beta((np.arange(200_000) + 0.5) / 200_000, alpha)
    assert found.min() >= 0.0 and found.max() <= 1.0
    assert (np.diff(found) >= 0).all()
    off = found - 0.5
    assert abs(off.mean()) < 1e-6
    assert np.isclose((off**2).mean(), 1 / (4 * (2 * alpha + 1)), rtol=1e-4)
    fourth = 3 / (16 * (2 * alpha + 1) * (2 * alpha + 3))
    assert np.isclose((off**4).mean(), fourth, rtol=1e-3)


# In training

CONFIG = """\
name: pictures
data:
  path: t-images-idx3-ubyte.gz
  target: label
  augmentation: AUGMENTATION
model:
  layers:
    - {type: conv2d, filters: 3, kernel_size: 3, activation: relu}
    - {type: flatten}
    - {type: dropout, rate: 0.2}
    - {type: dense, units: auto}
loss: cross_entropy
optimizer: {type: adam, learning_rate: 0.01}
trainer: {max_epochs: 3, batch_size: 16}
"""
ALL = "[shift, flip, rotate, zoom, brightness, noise, {type: cutout, size: 3}, mixup, cutmix]"


def pictures(folder: Path, augmentation: str = ALL, more: str = "") -> Path:
    """Two kinds of small pictures, as MNIST has them."""
    rng = np.random.default_rng(2)
    labels = rng.integers(0, 2, 90).astype(np.uint8)
    images = rng.integers(0, 99, (90, 6, 6)).astype(np.uint8)
    images[labels == 1, 2:4] += 120
    for name, array in (("images-idx3", images), ("labels-idx1", labels)):
        head = bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
        with gzip.open(folder / f"t-{name}-ubyte.gz", "wb") as file:
            file.write(head + array.tobytes())
    path = folder / "pictures.yaml"
    path.write_text(CONFIG.replace("AUGMENTATION", augmentation) + more)
    return path


@pytest.mark.parametrize("step", [1, 6, 9])
def test_a_run_that_was_stopped_ends_with_the_same_bytes(tmp_path: Path, step: int) -> None:
    config = pictures(tmp_path)
    whole = start(config, tmp_path / "whole")
    list(fit(whole))
    words = iter([""] * (step - 1) + ["interrupted"] * 9)
    run = start(config, tmp_path / "parts")
    list(fit(run, stop=lambda: next(words)))
    list(fit(Run.resume(run.folder)))
    assert same_files(whole.folder.path, run.folder.path)


@pytest.mark.parametrize("name", ["[mixup]", ALL])
def test_portions_change_nothing(tmp_path: Path, name: str) -> None:
    thetas = []
    for size in ("null", "5"):
        config = pictures(tmp_path, name)
        config.write_text(config.read_text().replace("16}", f"16, micro_batch_size: {size}}}"))
        run = start(config, tmp_path / size)
        list(fit(run))
        thetas.append(run.model.network.store.theta.copy())
    assert np.allclose(thetas[0], thetas[1], atol=1e-5)


def test_only_training_rows_are_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is evaluated, and the sample that is looked at, are the rows of the file."""
    seen = []
    from nntrain.training import evaluate as module

    own = module.on_blocks

    def watched(model: Any, x: Array, *rest: Any, **more: Any) -> Any:
        seen.append(x)
        return own(model, x, *rest, **more)

    monkeypatch.setattr(module, "on_blocks", watched)
    run = start(pictures(tmp_path, "[{type: noise, stddev: 9.0}]"), tmp_path / "run")
    before = {name: part.x.copy() for name, part in run.dataset.parts.items()}
    list(fit(run))
    known = {row.tobytes() for x in before.values() for row in x}
    assert seen
    assert all(row.tobytes() in known for x in seen for row in x)
    for name, part in run.dataset.parts.items():
        assert np.array_equal(part.x, before[name])


def test_each_step_has_rows_of_its_own(tmp_path: Path) -> None:
    run = start(pictures(tmp_path, "[noise, noise]"), tmp_path / "run")
    augment, part = make_augment(run), run.dataset.parts["train"]
    assert augment
    batch = Batch(part.x[:4], part.target[:4], None)
    found = [augment(batch, step).x.tobytes() for step in (0, 1, 2, 1)]
    assert len(set(found)) == 3
    change = augment(batch, 0).x - batch.x
    assert abs(change.std() - 0.1 * 2**0.5) < 0.02  # the second noise is another one


def test_without_augmentation_nothing_is_built(tmp_path: Path) -> None:
    assert make_augment(start(pictures(tmp_path, "[]"), tmp_path / "run")) is None


TABLE = """\
name: t
data: {path: t.csv, target: y, augmentation: AUGMENTATION}
model: {layers: [LAYERS{type: dense, units: auto}]}
loss: LOSS
trainer: {max_epochs: 1}
"""


def write_table(folder: Path, augmentation: str, loss: str, layers: str = "") -> str:
    lines = [f"{i % 7},{i % 5},{i % 3},{i % 2},{'abc'[i % 3]}" for i in range(60)]
    (folder / "t.csv").write_text("\n".join(["a,b,c,d,y", *lines]))
    text = TABLE.replace("AUGMENTATION", augmentation).replace("LOSS", loss)
    (folder / "t.yaml").write_text(text.replace("LAYERS", layers))
    return "t.yaml"


@pytest.mark.parametrize(
    "augmentation, loss, message",
    [
        ("[flip]", "cross_entropy", "t.yaml:2:47: data.augmentation.0: `flip` is for images, and"),
        ("[noise]", "cross_entropy", "`{type: gaussian_noise, stddev: …}`"),
        ("[scale]", "cross_entropy", "`scale` is for series, and a row is 4 columns here"),
        ("[mixup]", "hinge", "`mixup` mixes targets, and `hinge` learns none"),
        ("[mixup]", "{type: weighted_sum, losses: [cross_entropy, focal]}", "`focal` learns none"),
        ("[{type: rotate, degrees: 181}]", "cross_entropy", "in (0, 180], got 181"),
        ("[{type: rotate, angle: 3}]", "cross_entropy", "did you mean `degrees`"),
        ("[random_erasing]", "cross_entropy", "did you mean `cutout`"),
        ("flip", "cross_entropy", "expected a list of augmentations"),
    ],
)
def test_what_rows_are_not_for(
    nntrain: Command, tmp_path: Path, augmentation: str, loss: str, message: str
) -> None:
    done = nntrain("fit", write_table(tmp_path, augmentation, loss))
    assert done.code == 2
    assert message in done.err


def test_a_table_that_is_made_into_images(nntrain: Command, tmp_path: Path) -> None:
    layers = "{type: reshape, shape: [2, 2, 1]}, {type: flatten}, "
    config = write_table(tmp_path, "[{type: shift, pixels: 1}, mixup]", "cross_entropy", layers)
    assert nntrain("fit", config, "-q").code == 0
    config = write_table(tmp_path, "[{type: shift, pixels: 2}]", "cross_entropy", layers)
    assert "moves images of 2 × 2 out of sight" in nntrain("fit", config).err
    config = write_table(tmp_path, "[{type: cutout, size: 4}]", "cross_entropy", layers)
    assert "hides all of images of 2 × 2" in nntrain("fit", config).err


def test_numbers_and_two_classes_are_mixed_too(nntrain: Command, tmp_path: Path) -> None:
    config = write_table(tmp_path, "[mixup]", "mean_squared_error")
    assert nntrain("fit", config, "-q", "--set", "data.target=a").code == 0
    config = write_table(
        tmp_path, "[mixup]", "{type: binary_cross_entropy, class_weight: balanced}"
    )
    done = nntrain("fit", config, "-q", "--set", "data.target=d")
    assert done.code == 0, done.err


def test_what_no_augmentation_is_for(nntrain: Command, tmp_path: Path) -> None:
    config = write_table(tmp_path, "[mixup]", "mean_squared_error")
    done = nntrain("fit", config, "--set", "data.target=null")
    assert "without a target, what `mixup` makes of a row would be its target" in done.err
    (tmp_path / "a.txt").write_text("to be or not to be " * 50)
    (tmp_path / "a.yaml").write_text(
        "data: {path: a.txt, window: {length: 8, stride: 8}, augmentation: [mixup]}\n"
        "model:\n  layers:\n    - {type: embedding, input_dim: auto, output_dim: 4}\n"
        "    - {type: dense, units: auto}\nloss: cross_entropy\n"
    )
    assert "a text is made of tokens" in nntrain("fit", "a.yaml").err
    window = write_table(tmp_path, "[time_shift]", "mean_squared_error", "{type: flatten}, ")
    sets = ("--set", "data.target=a", "--set", "data.window={length: 3}")
    done = nntrain("fit", window, *sets, "--set", "data.features={exclude: [y]}")
    assert "would move what a window foretells" in done.err


def test_series_of_unequal_length(nntrain: Command, tmp_path: Path) -> None:
    lines = "\n".join(
        f"{','.join(str(i * t % 5) for t in range(4 + i % 3))}:{i % 2}" for i in range(40)
    )
    (tmp_path / "s.ts").write_text(
        "@problemName s\n@univariate true\n@equalLength false\n@classLabel true 0 1\n"
        f"@data\n{lines}\n"
    )
    text = (
        "data: {path: s.ts, target: class, augmentation: [noise, scale, time_shift]}\n"
        "model: {layers: [{type: gru, units: 3}, {type: dense, units: auto}]}\n"
        "loss: cross_entropy\ntrainer: {max_epochs: 2}\n"
    )
    (tmp_path / "s.yaml").write_text(text)
    done = nntrain("fit", "s.yaml", "-q")
    assert done.code == 0, done.err
    (tmp_path / "s.yaml").write_text(text.replace("[noise, scale, time_shift]", "[mixup]"))
    assert "needs rows of one length" in nntrain("fit", "s.yaml").err
