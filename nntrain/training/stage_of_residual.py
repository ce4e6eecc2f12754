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
    *,
    learns: bool,
) -> Stage:
    """y = f(x P + F(x)), with the stages of F.

    projection: P, and where its gradient goes; where there is none, P is the identity.
    learns: anything before it does.

    Those inside may write into the gradient that they get, and so get a copy of it in the place of
    z, which nobody needs any more.
    """
    forwards = [stage.forward for stage in inside]
    backwards = [stage.backward for stage in reversed(inside) if stage.backward]
    last = inside[-1].y if inside else x
    z = np.empty_like(last, order=order_of(last))
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
        dz = activate_back(dy)
        if projection:
            kept[0].T.dot(dz, projection[1])
        np.copyto(z, dz)
        d = z
        for backward in backwards:
            d = backward(d)
        if not learns:
            return None
        return np.add(d, dz.dot(projection[0].T) if projection else dz, d)

    return Stage(z, forward, backward if learns or backwards or projection else None)
