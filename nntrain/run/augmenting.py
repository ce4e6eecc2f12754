"""Which augmentations fit the rows: only the data, and how the network begins, tell."""

from __future__ import annotations

from nntrain.config import Experiment, Loaded
from nntrain.data.arrays import Series
from nntrain.data.preprocessing import Preprocessor
from nntrain.errors import ConfigError
from nntrain.families import Augmentation, Shape
from nntrain.layers import Reshape
from nntrain.wording import quoted

AXES = {"images": (3,), "series": (2,), "arrays": (2, 3), "any": (1, 2, 3)}
WORDS = {"images": "images", "series": "series", "arrays": "images and series"}
IMAGES = "a table can be images by its first layer, `{type: reshape, shape: [H, W, C]}`"


def seen_shape(experiment: Experiment, known: Preprocessor) -> Shape:
    """The shape of a row as augmentations see it: a table that the first layer reshapes is what
    it is made into."""
    first = experiment.model.layers[0]
    if len(known.shape) == 1 and isinstance(first, Reshape) and min(first.shape) > 0:
        return first.shape
    return known.shape


def check_augmentation(loaded: Loaded, known: Preprocessor) -> None:
    """Refuse augmentations that the rows or the targets are not for."""
    for i, augmentation in enumerate(loaded.experiment.data.augmentation):
        shape = seen_shape(loaded.experiment, known)
        if found := _misfit(augmentation, shape, known):
            message, hint = found
            raise ConfigError(loaded.problem(("data", "augmentation", i), message, hint))


def _misfit(
    augmentation: Augmentation, shape: Shape, known: Preprocessor
) -> tuple[str, str] | None:
    name = quoted(augmentation.kind)
    if known.tokens:
        return f"{name} changes numbers, and a text is made of tokens", "leave it out"
    if not known.targets:
        hint = "`{type: dropout, rate: …}` or `gaussian_noise` as the first layer changes the input"
        return f"without a target, what {name} makes of a row would be its target", hint
    if len(shape) not in AXES[augmentation.inputs]:
        found = f"{shape[0]} columns" if len(shape) == 1 else " × ".join(map(str, shape))
        message = f"{name} is for {WORDS[augmentation.inputs]}, and a row is {found} here"
        noise = "for columns there is the layer `{type: gaussian_noise, stddev: …}`"
        return message, noise if augmentation.kind == "noise" else IMAGES
    if augmentation.kind == "time_shift" and known.window:
        return f"{name} would move what a window foretells", "leave it out"
    if augmentation.mixes and isinstance(known.array, Series) and known.array.varies:
        return f"{name} needs rows of one length, and these series differ", "leave it out"
    if found := augmentation.misfit(shape):
        return found, "write a smaller number"
    return None
