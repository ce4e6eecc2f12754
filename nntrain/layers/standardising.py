"""What the normalisations share: means over places, x̂ and its way back, γ and β."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from nntrain.families import Array, Builder
from nntrain.initializers import Ones, Zeros
from nntrain.layers.signals import padding_of
from nntrain.team import ALONE, Team

Mean = Callable[[Array], Array]
"""`mean(a)`: the mean of `a` over what is to be normalised together, to broadcast against it."""


class Affine:
    """y = γ x̂ + β: what a normalisation took away may be learned again.  Neither decays.

    x̂ is (…, C), or (…, k C) where the channels of k places stand in one line.
    """

    def __init__(self, channels: int, store: Builder, *, shifts: bool = True):
        self.needs_dx = store.learns
        self.channels, self.shifts = channels, shifts
        self.gamma, self.dgamma = store.weight("gamma", (channels,), Ones(), decays=False)
        if shifts:
            self.beta, self.dbeta = store.weight("beta", (channels,), Zeros(), decays=False)

    def forward(self, hat: Array) -> Array:
        y = hat * self._line(self.gamma, hat)
        if self.shifts:
            y += self._line(self.beta, hat)
        return y

    def backward(self, dy: Array, hat: Array) -> Array | None:
        """Set the gradients; the gradient with respect to x̂, if something upstream learns."""
        product = dy * hat
        self._sum(product, self.dgamma)
        if self.shifts:
            self._sum(dy, self.dbeta)
        return np.multiply(dy, self._line(self.gamma, dy), out=product) if self.needs_dx else None

    def _line(self, each: Array, like: Array) -> Array:
        return np.tile(each, like.shape[-1] // self.channels)

    def _sum(self, a: Array, out: Array) -> None:
        lines = a.reshape(-1, a.shape[-1])
        total = np.ones(len(lines), a.dtype) @ lines
        np.sum(total.reshape(-1, self.channels), axis=0, out=out)


class Places:
    """The places of x (N, …, C) that means are taken over, as lines of several places.

    Passes over a few channels at a time would cost more than the arithmetic.  Where rows have
    lengths, a line is one place, and places beyond them weigh nothing.

    team: the processes that have the other rows of the batch.
    times: places in a line.
    line: numbers in a line.
    count: places that count, in the whole batch.
    """

    def __init__(self, x: Array, channels: int, lengths: Array | None, team: Team = ALONE):
        self.rows, self.channels = len(x), channels
        self.times = x.shape[-2] if x.ndim > 2 and lengths is None else 1
        self.line = self.times * channels
        lines = x.size // self.line
        valid = np.ones(lines, bool)
        if lengths is not None:
            valid = np.broadcast_to(~padding_of(x, lengths), (*x.shape[:-1], 1)).reshape(lines)
        (count,) = team.total(int(valid.sum()))
        self.valid, self.count, self.team = valid, int(count) * self.times, team
        self.dtype = x.dtype

    def mean_of_all(self, groups: int) -> Mean:
        """Over (1, lines, line): of each group of channels, over all places of the whole batch."""
        return self._mean(self.valid.reshape(1, 1, -1), groups, self.count // self.times, self.team)

    def mean_of_rows(self, groups: int) -> Mean:
        """Over (N, lines, line): of each group of channels, over the places of a row."""
        valid = self.valid.reshape(self.rows, 1, -1)
        return self._mean(valid, groups, valid.sum(axis=2, keepdims=True), ALONE)

    def _mean(self, valid: Array, groups: int, count: int | Array, team: Team) -> Mean:
        share = (valid / np.maximum(count, 1)).astype(self.dtype)

        def mean(a: Array) -> Array:
            each: Array = share @ a  # (…, 1, line)
            parts = each.reshape(len(each), self.times, groups, -1)
            by_channel = parts.mean(axis=1)  # over long axes first: short ones are slow
            parts[...] = team.sum(by_channel.mean(axis=2))[:, None, :, None]
            return each

        return mean


def standardise(
    x: Array, mean: Mean, eps: float
) -> tuple[Array, Array, Array, Callable[[Array], Array]]:
    """x̂ = (x - μ) / √(σ² + ε), μ, σ², and the way back.

    dx = (dx̂ - mean(dx̂) - x̂ mean(dx̂ x̂)) / √(σ² + ε), as in the paper on batch normalisation.
    """
    mu = mean(x)
    hat = x - mu
    rest = mean(hat)  # what rounding left in a mean that is far from 0
    hat -= rest
    mu = mu + rest
    var = mean(hat * hat)
    scale = 1.0 / np.sqrt(var + eps)
    hat *= scale

    def backward(dhat: Array) -> Array:
        dx = hat * mean(dhat * hat)
        dx += mean(dhat)
        np.subtract(dhat, dx, out=dx)
        dx *= scale
        return dx

    return hat, mu, var, backward
