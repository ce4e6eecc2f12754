"""A residual block as a stage of a straight line, made of the stages inside of it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nntrain.call import Call
from nntrain.families import Activation, Array
from nntrain.training.stages import Stage, activation_of, order_of


def residual(
    x: Array,
    inside: Sequence[Stage],
    projection: tuple[Array, Array] | None,
    activation: Activation,
    room: Array,
    *,
    learns: bool,
) -> Stage:
    """y = f(x P + F(x)), with the stages of F.

    projection: P, and where its gradient goes; where there is none, P is the identity.
    room: like y, and nobody's inside; those there may write into the gradient that they get.
    learns: anything before it does.
    """
    forwards = [stage.forward for stage in inside]
    backwards = [stage.backward for stage in reversed(inside) if stage.backward]
    z = np.empty(room.shape, room.dtype, order_of(room))
    activate, activate_back = activation_of(activation, z)
    kept = [x]

    def forward(x: Array, call: Call) -> Array:
        kept[0] = y = x
        for forward in forwards:
            y = forward(y, call)
        if projection:
            x = x.dot(projection[0])
        np.add(x, y, z)
        return activate()

    def backward(dy: Array) -> Array | None:
        d = dz = activate_back(dy)
        np.copyto(room, dz)
        if projection:
            np.matmul(kept[0].T, dz, out=projection[1])
        for backward in backwards:
            d = backward(d)
        if not learns:
            return None
        return np.add(d, room.dot(projection[0].T) if projection else room, d)

    return Stage(z, forward, backward if learns or backwards or projection else None)
