"""A residual block as a stage of a straight line, made of the stages inside of it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np

from nntrain.families import Activation, Array
from nntrain.training.stages import Rooms, Run, Stage, activation_of, order_of, way_back


def residual(
    x: Array,
    inside: Sequence[Stage],
    projection: tuple[Array, Array] | None,
    activation: Activation,
    rooms: Rooms,
    depth: int,
    *,
    learns: bool,
) -> Stage:
    """y = f(x P + F(x)), with the stages of F.

    projection: P, and where its gradient goes; where there is none, P is the identity.
    depth: blocks around it, and so whose room is its own while those inside go back, which may
        write into the gradient that they get.
    learns: anything before it does.
    """
    last = inside[-1].y if inside else x
    z = np.empty(last.shape, last.dtype, order_of(last))
    activate, activate_back = activation_of(activation, z, rooms)
    room = rooms.like(z, f"block {depth}")
    forward: list[Run] = [run for stage in inside for run in stage.forward]
    if projection:
        P, dP = projection
        forward += [partial(np.matmul, x, P, out=z), partial(np.add, z, last, z), *activate]
    else:
        forward += [partial(np.add, x, last, z), *activate]

    def backward(dy: Array) -> tuple[Sequence[Run], Array | None]:
        runs: list[Run] = [*activate_back(dy), partial(np.copyto, room, dy)]
        if projection:
            runs.append(partial(np.matmul, x.T, room, out=dP))
        more, dx = way_back(inside, dy)
        runs += more
        if not learns or dx is None:
            return runs, None
        if projection:
            past = np.empty_like(dx)
            runs += [partial(np.matmul, room, P.T, out=past), partial(np.add, dx, past, dx)]
        else:
            runs.append(partial(np.add, dx, room, dx))
        return runs, dx

    learns_inside = any(stage.backward for stage in inside)
    return Stage(z, forward, backward if learns or learns_inside else None)
