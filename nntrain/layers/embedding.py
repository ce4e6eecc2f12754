"""Embedding: a row of numbers for each token."""

from __future__ import annotations

from dataclasses import field
from typing import Literal

import numpy as np

from nntrain.call import Call
from nntrain.families import Array, Backward, Builder, Built, Initializer, Layer, PositiveInt, Shape
from nntrain.initializers import GlorotUniform
from nntrain.values import dataclass


@dataclass(frozen=True)
class Embedding(Layer):
    """y = E[x].   (T,) whole numbers -> (T, output_dim);   E (input_dim, output_dim).

    input_dim: how many tokens there are; `auto` takes it from the data.
    output_dim: the width of a token's row.
    embeddings_initializer: the first values of E.

    dE[k] = Σ dy over the places where x is k.  What is not one of 0 … input_dim - 1 counts as
    token 0, the unknown one; PyTorch and Keras raise or read elsewhere.  PyTorch draws from
    N(0, 1), Keras from U(-0.05, 0.05).

    Bengio et al. 2003, *A neural probabilistic language model*, section 2.
    """

    input_dim: PositiveInt | Literal["auto"]
    output_dim: PositiveInt
    embeddings_initializer: Initializer = field(default_factory=GlorotUniform)

    def build(self, shape: Shape, store: Builder) -> Built:
        if self.input_dim == "auto":
            raise ValueError("`input_dim: auto` is only known once the tokens are")
        if len(shape) != 1:
            raise ValueError(f"expected sequences of tokens, of shape (steps,), got {shape}")
        tokens, width = self.input_dim, self.output_dim
        needs_dx = store.learns
        E, dE = store.weight("E", (tokens, width), self.embeddings_initializer)

        def forward(x: Array, call: Call) -> tuple[Array, Backward]:
            ids = _tokens(x, tokens)
            padding = (
                None if call.lengths is None else np.arange(x.shape[1]) >= call.lengths[:, None]
            )

            def backward(dy: Array) -> Array | None:
                real = ids, dy
                if padding is not None:
                    real = ids[~padding], dy[~padding]
                sum_by_token(*real, dE)
                return np.zeros_like(x) if needs_dx else None  # steps are flat

            return E.take(ids, axis=0), backward

        return Built(forward, (*shape, width))


def _tokens(x: Array, tokens: int) -> Array:
    """Whole numbers from 0 to tokens - 1; what is none of them becomes 0."""
    with np.errstate(invalid="ignore"):  # NaN and inf
        ids = x.astype(np.intp)
    ids[(ids < 0) | (ids >= tokens)] = 0
    return ids


def sum_by_token(ids: Array, dy: Array, dE: Array) -> None:
    """dE[k] = Σ dy where ids are k: sorted, equal tokens are neighbours and add up in one call.

    `np.add.at` takes 2 to 5 times as long; a product with ones where the token is, too, where
    there are more than some hundred of them.
    """
    ids = ids.ravel()
    if len(dE) < 2**16:
        ids = ids.astype(np.uint16)  # sorted by their digits, a tenth of the time
    order = np.argsort(ids, kind="stable")
    ids = ids[order]
    begins = np.flatnonzero(np.append(True, ids[1:] != ids[:-1]))[: len(ids)]
    dE.fill(0.0)
    if begins.size:
        rows = dy.reshape(-1, dy.shape[-1]).take(order, axis=0)
        dE[ids[begins]] = np.add.reduceat(rows, begins, axis=0)
