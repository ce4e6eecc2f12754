"""Convolution: the same small dense layer at every place of an image or a signal.

The kernel is not flipped, so this is the correlation that all libraries call convolution.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from nntrain.call import Call
from nntrain.families import (
    Activation,
    Array,
    Backward,
    Builder,
    Built,
    Initializer,
    Layer,
    PositiveInt,
    Shape,
)
from nntrain.initializers import HeUniform, Zeros
from nntrain.layers.activations import Identity
from nntrain.layers.signals import image, keep_valid, signal, valid_steps
from nntrain.layers.windows import Pair, Windows, pair, same

Size = PositiveInt | tuple[PositiveInt, PositiveInt]


@dataclass(frozen=True)
class Conv2d(Layer):
    """y = f(x ∗ W + b).   (H, W, C) -> (H', W', filters);   W (kh, kw, C, filters), b (filters,).

    z[i, j] = Σ x[i·s + k·d, j·s + l·d] · W[k, l] + b over the points (k, l) of the kernel, with
    strides s and dilation d; Goodfellow, Bengio, Courville 2016, *Deep Learning*, section 9.1.

    filters: the number of output channels.
    kernel_size: the height and width of the kernel, or one number for both.
    strides: how far the kernel moves from one output to the next.
    padding: `same` adds zeros around the image, so that H' = ceil(H / stride); `reflect` adds the
        image's own mirror image instead; `valid` adds nothing: H' = (H - reach) // stride + 1,
        where reach = (kh - 1) · dilation + 1.
    dilation_rate: how far the points of the kernel are apart.
    activation: f; left out, the identity.
    use_bias: `false` leaves b out, as before a `batch_norm`, which has its own.
    kernel_initializer, bias_initializer: the first values of W and of b.

    Channels come last, as in Keras; PyTorch has (C, H, W) and W (filters, C, kh, kw).  `same` adds
    (reach - 1) // 2 before and the rest after, as PyTorch's `padding=k//2` for odd kernels; with
    strides above 1 Keras adds less before, depending on H.
    """

    filters: PositiveInt
    kernel_size: Size
    strides: Size = 1
    padding: Literal["valid", "same", "reflect"] = "valid"
    dilation_rate: Size = 1
    activation: Activation = field(default_factory=Identity)
    use_bias: bool = True
    kernel_initializer: Initializer = field(default_factory=HeUniform)
    bias_initializer: Initializer = field(default_factory=Zeros)

    def build(self, shape: Shape, store: Builder) -> Built:
        height, width, channels = image(self.kind, shape)
        size, dilation = pair(self.kernel_size), pair(self.dilation_rate)
        before, after = ((0, 0), (0, 0)) if self.padding == "valid" else same(size, dilation)
        windows = Windows(size, pair(self.strides), dilation, before, after)
        fits(windows, (height, width), self.padding)
        needs_dx = store.learns
        W, dW = store.weight("W", (*size, channels, self.filters), self.kernel_initializer)
        bias = Bias(self.use_bias, self.filters, self.bias_initializer, store)
        out: Shape = (*windows.count((height, width)), self.filters)
        activate, out = self.activation.build(out, store)
        mirror = Mirror(windows) if self.padding == "reflect" else None
        inner = mirror.windows if mirror else windows

        def forward(x: Array, call: Call) -> tuple[Array, Backward]:
            image = mirror.extend(x) if mirror else x
            y, activation_backward = activate(bias.add(correlate(image, W, inner)), call)

            def backward(dy: Array) -> Array | None:
                dz: Array = activation_backward(dy)  # type: ignore[assignment]  # W learns
                bias.gradient(dz)
                kernel_gradient(image, dz, inner, dW)
                if not needs_dx:
                    return None
                dx = spread(dz, W.swapaxes(2, 3), inner, (image.shape[1], image.shape[2]))
                return mirror.fold(dx) if mirror else dx

            return y, backward

        return Built(forward, out)


@dataclass(frozen=True)
class Conv1d(Layer):
    """y = f(x ∗ W + b).   (T, C) -> (T', filters);   W (k, C, filters), b (filters,).

    z[t] = Σ x[t·s + k·d] · W[k] + b, with stride s and dilation d; see `conv2d`.

    filters: the number of output channels.
    kernel_size: the number of steps that the kernel sees.
    strides: how far the kernel moves from one output to the next.
    padding: `same` adds zeros at both ends, so that T' = ceil(T / stride); `causal` adds them all
        at the beginning, so that no output sees a later step (van den Oord et al. 2016, *WaveNet*,
        arXiv:1609.03499, section 2.1); `valid` adds nothing: T' = (T - reach) // stride + 1, where
        reach = (k - 1) · dilation + 1.
    dilation_rate: how far the steps that the kernel sees are apart.
    activation: f; left out, the identity.
    use_bias: `false` leaves b out.
    kernel_initializer, bias_initializer: the first values of W and of b.

    Steps come first and channels last, as in Keras; PyTorch has (C, T) and W (filters, C, k).
    Beyond the length of a row x counts as 0, and so does dy beyond the length of its output; what
    y is there is left open.
    """

    filters: PositiveInt
    kernel_size: PositiveInt
    strides: PositiveInt = 1
    padding: Literal["valid", "same", "causal"] = "valid"
    dilation_rate: PositiveInt = 1
    activation: Activation = field(default_factory=Identity)
    use_bias: bool = True
    kernel_initializer: Initializer = field(default_factory=HeUniform)
    bias_initializer: Initializer = field(default_factory=Zeros)

    def windows(self) -> Windows:
        """The windows along a signal, which is an image of height 1."""
        size, dilation = (1, self.kernel_size), (1, self.dilation_rate)
        before, after = ((0, 0), (0, 0)) if self.padding == "valid" else same(size, dilation)
        if self.padding == "causal":
            before, after = (0, before[1] + after[1]), (0, 0)
        return Windows(size, (1, self.strides), dilation, before, after)

    def lengths(self, n: Array) -> Array:
        return valid_steps(n, self.windows())

    def build(self, shape: Shape, store: Builder) -> Built:
        steps, channels = signal(self.kind, shape)
        windows = self.windows()
        fits(windows, (1, steps), self.padding)
        needs_dx = store.learns
        W, dW = store.weight(
            "W", (self.kernel_size, channels, self.filters), self.kernel_initializer
        )
        bias = Bias(self.use_bias, self.filters, self.bias_initializer, store)
        least = windows.reach[1] - windows.before[1] - windows.after[1]
        out: Shape = (windows.count((1, steps))[1], self.filters)
        activate, out = self.activation.build(out, store)

        def forward(x: Array, call: Call) -> tuple[Array, Backward]:
            row = keep_valid(x, call.lengths, least=least)[:, None]
            z = correlate(row, W[None], windows)[:, 0]
            y, activation_backward = activate(bias.add(z), call)

            def backward(dy: Array) -> Array | None:
                if call.lengths is not None:
                    dy = keep_valid(dy, self.lengths(call.lengths))
                dz: Array = activation_backward(dy)  # type: ignore[assignment]  # W learns
                bias.gradient(dz)
                kernel_gradient(row, dz[:, None], windows, dW[None])
                if not needs_dx:
                    return None
                dx = spread(dz[:, None], W[None].swapaxes(2, 3), windows, (1, row.shape[2]))
                return keep_valid(dx[:, 0, : x.shape[1]], call.lengths)

            return y, backward

        return Built(forward, out)


@dataclass(frozen=True)
class Conv2dTranspose(Layer):
    """y = f(xᵀ∗ W + b).   (H, W, C) -> (H', W', filters);   W (kh, kw, C, filters), b (filters,).

    Each point of x lays x · W onto the output, `strides` further for the next point, and what
    meets is summed: the map that takes dz to dx in a `conv2d`, so it makes images larger;
    Dumoulin & Visin 2016, arXiv:1603.07285, chapter 4.

    filters: the number of output channels.
    kernel_size: the height and width of the kernel, or one number for both.
    strides: how many times larger the output is.
    padding: `valid` keeps all of the output: H' = (H - 1) · stride + kh, PyTorch's `padding=0` and
        Keras's `valid` where kh ≥ stride; `same` cuts it to H' = H · stride, as PyTorch's
        `padding=k//2, output_padding=stride-1` for odd kernels.
    activation: f; left out, the identity.
    use_bias: `false` leaves b out.
    kernel_initializer, bias_initializer: the first values of W and of b.

    Keras cuts less before and more after; its W is (kh, kw, filters, C), PyTorch's
    (C, filters, kh, kw).
    """

    filters: PositiveInt
    kernel_size: Size
    strides: Size = 1
    padding: Literal["valid", "same"] = "valid"
    activation: Activation = field(default_factory=Identity)
    use_bias: bool = True
    kernel_initializer: Initializer = field(default_factory=HeUniform)
    bias_initializer: Initializer = field(default_factory=Zeros)

    def build(self, shape: Shape, store: Builder) -> Built:
        height, width, channels = image(self.kind, shape)
        size, stride = pair(self.kernel_size), pair(self.strides)
        if self.padding == "same":
            before, after = same(size, (1, 1))
            large = (height * stride[0], width * stride[1])
        else:
            before = after = (0, 0)
            large = ((height - 1) * stride[0] + size[0], (width - 1) * stride[1] + size[1])
        windows = Windows(size, stride, (1, 1), before, after)  # those of y that x would see
        needs_dx = store.learns
        W, dW = store.weight("W", (*size, channels, self.filters), self.kernel_initializer)
        bias = Bias(self.use_bias, self.filters, self.bias_initializer, store)
        activate, out = self.activation.build((*large, self.filters), store)

        def forward(x: Array, call: Call) -> tuple[Array, Backward]:
            y, activation_backward = activate(bias.add(spread(x, W, windows, large)), call)

            def backward(dy: Array) -> Array | None:
                dz: Array = activation_backward(dy)  # type: ignore[assignment]  # W learns
                bias.gradient(dz)
                swapped = np.empty_like(dW.swapaxes(2, 3), order="C")
                kernel_gradient(dz, x, windows, swapped)
                np.copyto(dW, swapped.swapaxes(2, 3))
                return correlate(dz, W.swapaxes(2, 3), windows) if needs_dx else None

            return y, backward

        return Built(forward, out)


def fits(windows: Windows, shape: Pair, padding: str) -> None:
    """Refuse an image that no window fits into, or that has too little to mirror."""
    ends = zip(shape, windows.reach, windows.before, windows.after, strict=True)
    for n, reach, before, after in ends:
        if n + before + after < reach:
            raise ValueError(f"a kernel that reaches over {reach} points needs as many, got {n}")
        most = max(before, after)
        if padding == "reflect" and n <= most:
            raise ValueError(f"{most} mirrored points need at least {most + 1}, got {n}")


class Bias:
    """b (filters,), where there is one."""

    def __init__(self, used: bool, filters: int, initializer: Initializer, store: Builder):
        self.used = used
        if used:
            self.b, self.db = store.weight("b", (filters,), initializer, decays=False)

    def add(self, z: Array) -> Array:
        """z + b, in place; a whole line of an image at once, as a few channels are a short run."""
        if self.used:
            line = np.tile(self.b, z.shape[-2])
            lines = z.reshape(-1, len(line))
            lines += line
        return z

    def gradient(self, dz: Array) -> None:
        if self.used:
            flat = dz.reshape(-1, dz.shape[-1])
            np.matmul(np.ones(len(flat), flat.dtype), flat, out=self.db)


class Mirror:
    """An image with its own mirror image around it; the points at the edge are not repeated."""

    def __init__(self, windows: Windows):
        self.before, self.after = windows.before, windows.after
        self.windows = Windows(windows.size, windows.stride, windows.dilation)

    def extend(self, x: Array) -> Array:
        ends = list(zip(self.before, self.after, strict=True))
        return np.pad(x, [(0, 0), *ends, (0, 0)], mode="reflect")

    def fold(self, dx: Array) -> Array:
        """The way back: what was mirrored gives its gradient to what it mirrored."""
        for axis, (before, after) in enumerate(zip(self.before, self.after, strict=True), start=1):
            rows = np.moveaxis(dx, axis, 0)
            n = len(rows) - before - after
            inner = rows[before : before + n].copy()
            if before:
                inner[1 : before + 1] += rows[:before][::-1]
            if after:
                inner[n - 1 - after : n - 1] += rows[before + n :][::-1]
            dx = np.moveaxis(inner, 0, axis)
        return dx


def correlate(x: Array, W: Array, windows: Windows) -> Array:
    """z (N, H', W', F): the products of all windows of x with W (kh, kw, C, F)."""
    height, width = windows.count((x.shape[1], x.shape[2]))
    kernel = W.reshape(-1, W.shape[-1])
    z = np.empty((len(x), height, width, W.shape[-1]), x.dtype)
    flat = z.reshape(len(x), height * width, W.shape[-1])
    for part, columns in windows.columns(x):
        np.matmul(columns, kernel, out=flat[part])
    return z


def kernel_gradient(x: Array, dz: Array, windows: Windows, dW: Array) -> None:
    """dW (kh, kw, C, F) = Σ windowsᵀ dz, set."""
    flat = dz.reshape(len(dz), -1, dz.shape[-1])
    total = dW.reshape(-1, dW.shape[-1])
    total.fill(0.0)
    for part, columns in windows.columns(x):
        for one in np.matmul(columns.swapaxes(1, 2), flat[part]):
            total += one


def spread(z: Array, W: Array, windows: Windows, shape: Pair) -> Array:
    """x (N, *shape, F): each z is laid, times W (kh, kw, C, F), onto what its window would see.

    The transpose of `correlate`, itself a correlation: of z, its points `stride` apart among
    zeros, with the kernel turned around.
    """
    n, height, width, channels = z.shape
    reach, (down, right) = windows.reach, windows.stride
    top, left = reach[0] - 1 - windows.before[0], reach[1] - 1 - windows.before[1]
    around = Windows(windows.size, (1, 1), windows.dilation)
    room = np.zeros((n, shape[0] + reach[0] - 1, shape[1] + reach[1] - 1, channels), z.dtype)
    room[
        :,
        top : top + (height - 1) * down + 1 : down,
        left : left + (width - 1) * right + 1 : right,
    ] = z
    return correlate(room, W[::-1, ::-1], around)
