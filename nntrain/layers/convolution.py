"""Convolution: the same small dense layer at every place of an image or a signal.

The kernel is not flipped, so this is the correlation that all libraries call convolution.
"""

from __future__ import annotations

from dataclasses import field
from typing import Literal

import numpy as np

from nntrain.call import Call
from nntrain.families import (
    Activation,
    Array,
    Backward,
    Builder,
    Built,
    Forward,
    Initializer,
    Layer,
    PositiveInt,
    Shape,
)
from nntrain.initializers import HeUniform, Zeros
from nntrain.layers.activations import Identity
from nntrain.layers.correlation import (
    Bias,
    correlate,
    fits,
    kernel_gradient,
    spread,
)
from nntrain.layers.mirrors import Mirror, MirrorOfRows
from nntrain.layers.signals import image, keep_valid, signal, valid_steps
from nntrain.layers.windows import Windows, pair, same
from nntrain.values import dataclass

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
        forward = Convolution(W, dW, bias, inner, mirror, self.activation, activate, needs_dx)
        return Built(forward, out)


@dataclass(frozen=True)
class Convolution:
    """A `conv2d` on its store; `pooled.py` knows it by this, and has another use for its parts."""

    W: Array
    gradient: Array  # dW
    bias: Bias
    windows: Windows
    mirror: Mirror | None
    activation: Activation
    activate: Forward
    needs_dx: bool

    def __call__(self, x: Array, call: Call) -> tuple[Array, Backward]:
        W, bias, windows, mirror = self.W, self.bias, self.windows, self.mirror
        seen = mirror.extend(x) if mirror else x
        y, activation_backward = self.activate(correlate(seen, W, windows, bias), call)

        def backward(dy: Array) -> Array | None:
            dz: Array = activation_backward(dy)  # type: ignore[assignment]  # W learns
            bias.gradient(dz)
            kernel_gradient(seen, dz, windows, self.gradient)
            if not self.needs_dx:
                return None
            dx = spread(dz, W.swapaxes(2, 3), windows, (seen.shape[1], seen.shape[2]))
            return mirror.fold(dx) if mirror else dx

        return y, backward


@dataclass(frozen=True)
class Conv1d(Layer):
    """y = f(x ∗ W + b).   (T, C) -> (T', filters);   W (k, C, filters), b (filters,).

    z[t] = Σ x[t·s + k·d] · W[k] + b, with stride s and dilation d; see `conv2d`.

    filters: the number of output channels.
    kernel_size: the number of steps that the kernel sees.
    strides: how far the kernel moves from one output to the next.
    padding: `same` adds zeros at both ends, so that T' = ceil(T / stride); `causal` adds them all
        at the beginning, so that no output sees a later step (van den Oord et al. 2016, *WaveNet*,
        arXiv:1609.03499, section 2.1); `reflect` adds what `same` adds, of the row's own mirror
        image; `valid` adds nothing: T' = (T - reach) // stride + 1, where
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
    padding: Literal["valid", "same", "causal", "reflect"] = "valid"
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
        mirror = MirrorOfRows(windows) if self.padding == "reflect" else None
        inner = mirror.windows if mirror else windows

        def forward(x: Array, call: Call) -> tuple[Array, Backward]:
            if mirror:
                row = mirror.extend(x, call.lengths)[:, None]
            else:
                row = keep_valid(x, call.lengths, least=least)[:, None]
            z = correlate(row, W[None], inner)[:, 0]
            y, activation_backward = activate(bias.add(z), call)

            def backward(dy: Array) -> Array | None:
                if call.lengths is not None:
                    dy = keep_valid(dy, self.lengths(call.lengths))
                dz: Array = activation_backward(dy)  # type: ignore[assignment]  # W learns
                bias.gradient(dz)
                kernel_gradient(row, dz[:, None], inner, dW[None])
                if not needs_dx:
                    return None
                dx = spread(dz[:, None], W[None].swapaxes(2, 3), inner, (1, row.shape[2]))[:, 0]
                if mirror:
                    return mirror.fold(dx, call.lengths)
                return keep_valid(dx[:, : x.shape[1]], call.lengths)

            return y, backward

        return Built(forward, out)


@dataclass(frozen=True)
class Conv2dTranspose(Layer):
    """y = f(x ∗ᵀ W + b).   (H, W, C) -> (H', W', filters);   W (kh, kw, C, filters), b (filters,).

    Each point of x lays x · W onto the output, `strides` further for the next point, and what
    meets is summed: the map that takes dz to dx in a `conv2d`, so it makes images larger;
    Dumoulin & Visin 2016, arXiv:1603.07285, chapter 4.

    filters: the number of output channels.
    kernel_size: the height and width of the kernel, or one number for both.
    strides: how many times larger the output is.
    padding: `valid` keeps all of the output: H' = (H - 1) · stride + reach, where
        reach = (kh - 1) · dilation + 1, PyTorch's `padding=0` and Keras's `valid` where
        kh ≥ stride; `same` cuts it to H' = H · stride, as PyTorch's
        `padding=reach//2, output_padding=stride-1` for odd kernels.
    dilation_rate: how far the points of the kernel are apart.
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
    dilation_rate: Size = 1
    activation: Activation = field(default_factory=Identity)
    use_bias: bool = True
    kernel_initializer: Initializer = field(default_factory=HeUniform)
    bias_initializer: Initializer = field(default_factory=Zeros)

    def build(self, shape: Shape, store: Builder) -> Built:
        height, width, channels = image(self.kind, shape)
        size, stride, dilation = (
            pair(each) for each in (self.kernel_size, self.strides, self.dilation_rate)
        )
        windows = Windows(size, stride, dilation)  # those of y that x would see
        if self.padding == "same":
            windows = Windows(size, stride, dilation, *same(size, dilation))
            large = (height * stride[0], width * stride[1])
        else:
            reach = windows.reach
            large = ((height - 1) * stride[0] + reach[0], (width - 1) * stride[1] + reach[1])
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
