"""What the normalisations share: γ and β, means over places, and the arithmetic with both."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from nntrain.arrays import sum_of_rows
from nntrain.families import Array, Builder
from nntrain.initializers import Ones, Zeros
from nntrain.layers.signals import padding_of
from nntrain.team import ALONE, Team

Mean = Callable[[Array], Array]
"""`mean(a)`: the mean of `a` over what is to be normalised together, to broadcast against it."""


class Affine:
    """y = γ x̂ + β: what a normalisation took away may be learned again.  Neither decays.

    What they are multiplied with is (…, k C): the channels of k places in one line.
    """

    def __init__(self, channels: int, store: Builder, *, shifts: bool = True):
        self.needs_dx = store.learns
        self.channels, self.shifts = channels, shifts
        self.gamma, self.dgamma = store.weight("gamma", (channels,), Ones(), decays=False)
        if shifts:
            self.beta, self.dbeta = store.weight("beta", (channels,), Zeros(), decays=False)

    def line(self, like: Array) -> Array:
        """γ, for the places of a line."""
        return np.tile(self.gamma, like.shape[-1] // self.channels)

    def shift(self, like: Array) -> Array | float:
        """β, for the places of a line."""
        return np.tile(self.beta, like.shape[-1] // self.channels) if self.shifts else 0.0

    def learn(self, s: Array, rest: Array | float, dy: Array, product: Array) -> None:
        """dγ = Σ s (product - rest dy) and dβ = Σ dy, set; lines (n, lines, line), s (n, 1, line).

        product: dy times what s makes x̂, but for the rest.
        """
        level, along = _sum_of_lines(dy), _sum_of_lines(product)
        self._fold(s * (along - rest * level), self.dgamma)
        if self.shifts:
            self._fold(level, self.dbeta)

    def _fold(self, lines: Array, out: Array) -> None:
        sum_of_rows(lines.reshape(-1, self.channels), out)


def _sum_of_lines(a: Array) -> Array:
    """(n, lines, line) -> (n, 1, line)."""
    total: Array = np.ones((1, a.shape[1]), a.dtype) @ a
    return total


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


Back = Callable[[Array], Array | None]


def normalise(
    x: Array, mean: Mean, group: Mean, affine: Affine, eps: float
) -> tuple[Array, Array, Array, Back]:
    """y = γ (x - μ) s + β with s = 1 / √(σ² + ε), for lines x (n, lines, line); μ, σ², way back.

    mean: of each channel, (n, 1, line).   group: of such means, over channels that go together.

    What is kept is c = x - μ' with the μ' that was found; what rounding left in its mean, r, is
    put right in what is added to whole lines anyway: γ (x - μ) s = c (γ s) - r γ s.
    """
    found = group(mean(x))
    c = x - found
    rest = group(mean(c))
    square = c * c
    var = group(mean(square)) - rest * rest
    s = 1.0 / np.sqrt(var + eps)
    a = s * affine.line(x)
    y = np.multiply(c, a, out=square)
    y += affine.shift(x) - rest * a

    def backward(dy: Array) -> Array | None:
        """dx = s (γ dy - mean(γ dy) - x̂ mean(γ dy x̂)) with x̂ = (c - r) s, as in the paper on
        batch normalisation; (n, 1, line) is found for all that does not change with the line."""
        product = dy * c
        affine.learn(s, rest, dy, product)
        if not affine.needs_dx:
            return None
        gamma = affine.line(x)
        level, along = group(gamma * mean(dy)), group(gamma * mean(product))
        b = s * s * s * (along - rest * level)
        dx: Array = dy * a
        dx -= np.multiply(c, b, out=product)
        dx += b * rest - s * level
        return dx

    return y, found + rest, var, backward


def normalise_as_known(x: Array, mean: Array, s: Array, affine: Affine) -> tuple[Array, Back]:
    """The same with μ and s, one for each channel, that do not depend on x."""
    times = x.shape[-1] // affine.channels
    s = np.tile(s, times)
    c = x - np.tile(mean, times)
    y = c * (s * affine.line(x))
    y += affine.shift(x)

    def backward(dy: Array) -> Array | None:
        affine.learn(s, 0.0, dy, dy * c)
        if not affine.needs_dx:
            return None
        dx: Array = dy * (s * affine.line(x))
        return dx

    return y, backward


def mean_of_places(x: Array, channels: int) -> Mean:
    """The mean of each channel over all places of a row, for rows x (N, …, C) that are whole."""
    places = math.prod(x.shape[1:-1])
    share = np.full((1, places), 1.0 / places, x.dtype)

    def mean(a: Array) -> Array:
        each = share @ a.reshape(len(a), places, channels)
        return np.tile(each, a.shape[-1] // channels)

    return of_each if places == 1 else mean


def of_each(a: Array) -> Array:
    """No channels go together: what `mean` found is what counts."""
    return a


def of_groups(channels: int, groups: int) -> Mean:
    """The mean over each group of neighbouring channels, for lines of one or more places."""
    width = channels // groups

    def group(a: Array) -> Array:
        """Two products, since NumPy adds up, and fills, short stretches slowly; each with half of
        the mean twice, as BLAS does none with a single column."""
        halves = np.full((width, 2), 0.5 / width, a.dtype)
        means = a.reshape(-1, width) @ halves @ np.ones((2, width), a.dtype)
        return means.reshape(a.shape)

    return of_each if width == 1 else group
