"""Randomness as a function of (seed, purpose, position), so that there is no state to save.

Raw words of PCG64DXSM are used, whose `advance` reaches any position at once.  NumPy promises the
stream of a bit generator for ever; it does not promise that of the distributions.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from nntrain.arrays import Array
from nntrain.room import empty, is_large, stretches

BUCKET = 1 << 17  # words that are sorted at a time, where there are many


def bits(seed: int, *purpose: str | int) -> np.random.PCG64DXSM:
    """The bit generator of one purpose, at its beginning; different purposes never overlap."""
    text = "/".join(map(str, purpose)).encode()
    return np.random.PCG64DXSM(np.random.SeedSequence([seed, *text]))


def generator(seed: int, *purpose: str | int) -> np.random.Generator:
    """Distributions for things that happen once, such as the first weights."""
    return np.random.Generator(bits(seed, *purpose))


def permutation(n: int, seed: int, *purpose: str | int) -> Array:
    """The numbers 0 … n-1 in random order, (n,) int64: the ranks of n random words."""
    if is_large(n * 8):
        return _long_permutation(n, seed, *purpose)
    return _stable_order(bits(seed, *purpose).random_raw(n))


def _stable_order(words: Array) -> Array:
    """The order of a stable sort, in a fifth of its time where no two words are equal."""
    order = np.argsort(words)
    ranked = words[order]
    if (ranked[1:] == ranked[:-1]).any():  # then alone they differ
        return np.argsort(words, kind="stable")
    return order


def _long_permutation(n: int, seed: int, *purpose: str | int) -> Array:
    """The same with little memory: words go into buckets by their first bits, which are sorted."""
    first_bits = max(1, (n // BUCKET).bit_length())
    sizes = np.zeros(1 << first_bits, np.int64)
    words = bits(seed, *purpose)
    for some in stretches(n):
        bucket = _bucket(words.random_raw(some.stop - some.start), first_bits)
        sizes += np.bincount(bucket, minlength=len(sizes))
    ends = np.cumsum(sizes)
    at = ends - sizes  # where the next word of each bucket goes
    keys, rows = empty((n,), np.uint64), empty((n,), np.int64)
    words = bits(seed, *purpose)
    for some in stretches(n):
        own = words.random_raw(some.stop - some.start)
        bucket = _bucket(own, first_bits)
        order = np.argsort(bucket, kind="stable")
        count = np.bincount(bucket, minlength=len(sizes))
        place = np.arange(len(own)) + np.repeat(at - (np.cumsum(count) - count), count)
        keys[place], rows[place] = own[order], order + some.start
        at += count
    for end, size in zip(ends.tolist(), sizes.tolist(), strict=True):
        part = slice(end - size, end)
        rows[part] = rows[part][_stable_order(keys[part])]
    return rows


def _bucket(words: Array, first_bits: int) -> Array:
    return (words >> np.uint64(64 - first_bits)).astype(np.uint16)


def normals(words: Array, dtype: Any) -> Array:
    """Standard normal numbers, two for each random word: (n,) -> (2 n,).   Box & Muller 1958."""
    uniform = words.view(np.uint32).astype(dtype)
    uniform += 0.5  # above 0, for the logarithm
    uniform *= 2.0**-32
    radius, angle = uniform[0::2], uniform[1::2]
    radius = np.sqrt(-2.0 * np.log(radius))
    angle = (2.0 * math.pi) * angle
    uniform[0::2] = radius * np.cos(angle)
    uniform[1::2] = radius * np.sin(angle)
    return uniform


class Stream:
    """Random words of one purpose, by position."""

    def __init__(self, seed: int, *purpose: str | int):
        self._bits = bits(seed, *purpose)
        self._at = 0  # where the bit generator stands: a memory of the last call, not a state

    def words(self, start: int, count: int) -> Array:
        """Words number start … start + count - 1, (count,) uint64."""
        if start != self._at:
            self._bits.advance((start - self._at) % 2**128)
        self._at = start + count
        return self._bits.random_raw(count)
