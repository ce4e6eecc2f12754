"""What can only be said of a network that reads tokens when it and its data are there."""

from __future__ import annotations

import numpy as np

from nntrain.call import Call
from nntrain.config import Loaded
from nntrain.data.dataset import Dataset
from nntrain.data.preprocessing import Preprocessor
from nntrain.errors import ConfigError
from nntrain.families import Array
from nntrain.layers.chain import nested
from nntrain.layers.embedding import Embedding
from nntrain.network import Network
from nntrain.run.checks import keys_of
from nntrain.run.model import build_network, build_plan

LARGE = 5_000_000  # numbers of a network that is not run before it trains
NOTICED = 1e-5  # of the largest number of a layer: beyond it, two outputs are not the same
BLIND = (
    "no `bidirectional`, `causal: true` in attention, `padding: causal` in conv1d, no pooling or "
    "normalization over steps"
)


def check_tokens(loaded: Loaded, dataset: Dataset) -> None:
    """Refuse embeddings that do not know the tokens, and networks that look at the answer."""
    known = dataset.preprocessor
    for keys, layer in nested(loaded.experiment.model.layers):
        if isinstance(layer, Embedding) and layer.input_dim != "auto":
            if known.vocabulary and layer.input_dim < known.vocabulary:
                count = f"{known.vocabulary} tokens, with the one that stands for unknown ones"
                message, hint = f"there are {count}", "write `input_dim: auto`"
                place = ("model", "layers", *keys, "input_dim")
                raise ConfigError(loaded.problem(place, message, hint))
            if keys == (0,) and not known.vocabulary:
                _check_whole(loaded, dataset.parts["train"].x, layer.input_dim)
    if known.tokens:
        _check_order(loaded, known)


def _check_whole(loaded: Loaded, x: Array, tokens: int) -> None:
    """Numbers that are no tokens would all be the unknown one."""
    odd = (x != np.floor(x)) | (x < 0) | (x >= tokens)
    if odd.any():
        message = f"an embedding of {tokens} takes whole numbers from 0 to {tokens - 1}, "
        message += f"got {x[odd][0]:.6g}"
        hint = "`data.preprocessing.numeric.scale: none` leaves numbers as they stand in the file"
        raise ConfigError(loaded.problem(("model", "layers", 0), message, hint))


def _check_order(loaded: Loaded, known: Preprocessor) -> None:
    """What a network says at a step must not depend on the tokens after it: they are the answer.

    Two texts that differ in their last token alone are run, and the outputs before it compared.
    """
    (steps,) = known.shape
    if sum(row.parameters for row in build_plan(loaded.experiment, known).layers) > LARGE:
        return  # which takes seconds to build
    network = build_network(loaded.experiment, known)
    one = (np.arange(steps, dtype=np.float32) % known.outputs)[None]
    other = one.copy()
    other[0, -1] = (other[0, -1] + 1) % known.outputs
    both = _outputs(network, one), _outputs(network, other)
    for (path, a), (_, b) in zip(*both, strict=True):
        if a.ndim < 2 or a.shape[1] != steps:
            continue
        a, b = a[:, :-1], b[:, :-1]
        with np.errstate(invalid="ignore"):
            apart = np.abs(a - b).max(initial=0.0)
        if apart > NOTICED * np.abs(a).max(initial=0.0):
            message = "this layer looks at later tokens, which are what it is to foretell"
            raise ConfigError(loaded.problem(keys_of(loaded, path), message, BLIND))


@np.errstate(all="ignore")  # first weights may be huge; training judges what comes of them
def _outputs(network: Network, x: Array) -> list[tuple[str, Array]]:
    """What each layer gives for x, inner ones before those that hold them."""
    seen: list[tuple[str, Array]] = []

    def watch(path: str, y: Array, dy: Array | None) -> None:
        seen.append((path, y))

    network(x, Call(watch=watch))
    return seen
