"""Warm start: a new run whose first weights are those of a trained network."""

from __future__ import annotations

from typing import Any

import numpy as np

from nntrain.data.files import sha256
from nntrain.errors import ConfigError
from nntrain.run.manifest import absolute
from nntrain.run.model import Model, named_vectors
from nntrain.run.trained import Trained

MOST = 10  # differences that are shown


def begin_with(model: Model, source: Trained) -> dict[str, Any]:
    """Copy weights and buffers of `source` into `model`; what the manifest says about it."""
    old, new = named_vectors(source.model.network), named_vectors(model.network)
    wrong = [
        f"{name}: {_shape(old.get(name))} there, {_shape(new.get(name))} here"
        for name in dict.fromkeys((*new, *old))
        if _shape(old.get(name)) != _shape(new.get(name))
    ]
    if wrong:
        more = [f"and {len(wrong) - MOST} more"] if len(wrong) > MOST else []
        raise ConfigError(
            f"--warm-start: the layers of {source.path} are not those of this config\n  "
            + "\n  ".join([*wrong[:MOST], *more]),
            hint="layers, inputs and classes must be the same; a new run without --warm-start "
            "begins with random weights",
        )
    for name, view in new.items():
        np.copyto(view, old[name])
    file = source.file
    return {"path": absolute(str(file)), "sha256": sha256(file)}


def preprocessed_otherwise(model: Model, source: Trained) -> list[str]:
    """A note where the data of the new run is seen in another way than the source saw its own."""
    if model.preprocessor.to_plain() == source.model.preprocessor.to_plain():
        return []
    what = "preprocessing (scales, categories, classes) is learned from the data of this run"
    return [f"{what} and differs from that of {source.path}, whose weights it begins with"]


def _shape(array: Any) -> str:
    return "nothing" if array is None else str(array.shape)
