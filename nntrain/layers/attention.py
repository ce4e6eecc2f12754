"""MultiHeadAttention: every step looks at every other one."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import field

import numpy as np

from nntrain.arrays import sum_of_each_row, sum_of_rows
from nntrain.call import Call
from nntrain.families import Array, Backward, Builder, Built, Initializer, Layer, PositiveInt, Shape
from nntrain.initializers import GlorotUniform, Zeros
from nntrain.values import dataclass

AttendBackward = Callable[[Array, Array], None]
FAR_BELOW = -1e30  # a score whose e^score is 0, but which is no infinity that becomes NaN


@dataclass(frozen=True)
class MultiHeadAttention(Layer):
    """y = [head₁ … head_h] W_o + b_o,  headᵢ = softmax(q kᵀ / √key_dim) v.   (T, D) -> (T, D)

    q, k and v = x W + b, for each head with its own columns of W (D, 3 · heads · key_dim): those
    of all q first, then k, then v.   W_o (heads · key_dim, D).

    heads: how many look at once, each for something else.
    key_dim: the width of q, k and v of one head; left out, D / heads.
    causal: step t sees only steps up to t, so that it can learn to tell the next one.
    kernel_initializer, bias_initializer: the first values of W and W_o, of b and b_o.

    Self-attention of Vaswani et al. 2017, arXiv:1706.03762, section 3.2.  Padding is not looked at,
    and its outputs are 0.  PyTorch's `MultiheadAttention` has the same order, W transposed and
    called `in_proj_weight`; Keras has one weight for each of q, k and v.  Both can drop some of the
    attention; here a `dropout` layer can follow.
    """

    heads: PositiveInt
    key_dim: PositiveInt | None = None
    causal: bool = False
    kernel_initializer: Initializer = field(default_factory=GlorotUniform)
    bias_initializer: Initializer = field(default_factory=Zeros)

    def build(self, shape: Shape, store: Builder) -> Built:
        if len(shape) != 2:
            raise ValueError(f"expected sequences of shape (steps, features), got {shape}")
        d, heads = shape[1], self.heads
        if self.key_dim is None and d % heads:
            raise ValueError(f"{d} features can not be shared by {heads} heads; set `key_dim`")
        width = self.key_dim or d // heads
        causal = self.causal
        needs_dx = store.learns
        inner = heads * width
        W, dW = store.weight("W", (d, 3 * inner), self.kernel_initializer)
        b, db = store.weight("b", (3 * inner,), self.bias_initializer, decays=False)
        Wo, dWo = store.weight("W_o", (inner, d), self.kernel_initializer)
        bo, dbo = store.weight("b_o", (d,), self.bias_initializer, decays=False)

        def forward(x: Array, call: Call) -> tuple[Array, Backward]:
            rows, steps = x.shape[:2]
            padding = None if call.lengths is None else np.arange(steps) >= call.lengths[:, None]
            x = _without(padding, x)
            qkv = x.reshape(-1, d) @ W
            qkv += b
            by_head = qkv.reshape(rows, steps, 3, heads, width).transpose(2, 0, 3, 1, 4)
            seen = _bias(steps, padding, causal, x)
            mixed, attend_back = _attend(by_head, seen)
            flat = mixed.swapaxes(1, 2).reshape(-1, inner)  # (N · T, heads · key_dim)
            y = flat @ Wo
            y += bo
            y = y.reshape(rows, steps, d)
            if padding is not None:
                y[padding] = 0.0

            def backward(dy: Array) -> Array | None:
                flat_dy = _without(padding, dy).reshape(-1, d)
                np.matmul(flat.T, flat_dy, out=dWo)
                sum_of_rows(flat_dy, out=dbo)
                d_mixed = (flat_dy @ Wo.T).reshape(rows, steps, heads, width).swapaxes(1, 2)
                d_qkv = np.empty_like(qkv)
                attend_back(d_mixed, d_qkv.reshape(rows, steps, 3, heads, width))
                np.matmul(x.reshape(-1, d).T, d_qkv, out=dW)
                sum_of_rows(d_qkv, out=db)
                return (d_qkv @ W.T).reshape(x.shape) if needs_dx else None

            return y, backward

        return Built(forward, shape)


def _without(padding: Array | None, x: Array) -> Array:
    """A copy with 0 where padding is; without any, x itself."""
    if padding is None:
        return x
    x = x.copy()
    x[padding] = 0.0
    return x


def _bias(steps: int, padding: Array | None, causal: bool, like: Array) -> Array | None:
    """What is added to the scores, so that some are not seen: (N or 1, 1, T or 1, T)."""
    bias = None
    if padding is not None:
        bias = (padding * FAR_BELOW).astype(like.dtype)[:, None, None]
    if causal:
        later = np.triu(np.full((steps, steps), FAR_BELOW, like.dtype), 1)
        bias = later[None, None] if bias is None else np.minimum(bias, later)
    return bias


def _attend(qkv: Array, bias: Array | None) -> tuple[Array, AttendBackward]:
    """softmax(q kᵀ / √key_dim + bias) v, (N, heads, T, key_dim), for qkv (3, N, heads, T, key_dim).

    The way back writes into (N, T, 3, heads, key_dim).
    """
    q, k, v = qkv
    scale = 1.0 / math.sqrt(q.shape[-1])
    a = q @ k.swapaxes(-1, -2)
    a *= scale
    if bias is not None:
        a += bias
    a -= a.max(axis=-1, keepdims=True)
    np.exp(a, out=a)
    a *= 1.0 / sum_of_each_row(a)

    def backward(dy: Array, into: Array) -> None:
        dq, dk, dv = into.transpose(2, 0, 3, 1, 4)
        dv[...] = a.swapaxes(-1, -2) @ dy
        d_score = dy @ v.swapaxes(-1, -2)
        d_score -= np.vecdot(d_score, a)[..., None]
        d_score *= a
        d_score *= scale
        dq[...] = d_score @ k
        dk[...] = d_score.swapaxes(-1, -2) @ q

    return a @ v, backward
