"""Costs: what a network takes in operations, memory and time, before it is trained."""

from __future__ import annotations

from typing import Any

from nntrain.config import Experiment
from nntrain.data.dataset import Dataset
from nntrain.errors import DivergedError
from nntrain.flops import flops, total
from nntrain.run.run import Run
from nntrain.run.size import machine_memory
from nntrain.store import Plan
from nntrain.training.memory import memory
from nntrain.training.timing import LOSS, UPDATE, Timing, reckoned, timed, too_large


def costs(experiment: Experiment, plan: Plan, dataset: Dataset) -> dict[str, Any]:
    """In plain values; `layers` has one entry for each row of the plan, in its order.

    Operations are those of one row of data; seconds are null where the first step diverges.
    """
    each, whole, takes = flops(plan), total(plan), memory(experiment, plan, dataset)
    rows = {name: len(part) for name, part in dataset.parts.items()}
    batch = min(experiment.trainer.batch_size, rows["train"])
    weights = sum(weight.size for weight in plan.weights.values())
    machine = machine_memory()
    why = too_large(whole, batch, weights, takes.total, machine)
    timing: Timing | None
    try:
        if why:
            timing = reckoned(whole, rows, batch, why)
        else:
            timing = timed(Run.scratch(experiment, dataset))
    except DivergedError as error:
        timing, why = None, f"the first step diverges: {str(error).partition(chr(10))[0]}"
    shares = timing.shares if timing else {}
    return {
        "layers": [
            {
                "flops": each[row.path].forward,
                "training_flops": each[row.path].training,
                "time_share": shares.get(row.path),
            }
            for row in plan.layers
        ],
        "flops": {"forward": whole.forward, "training": whole.training},
        "memory": {**takes._asdict(), "total": takes.total, "machine": machine or None},
        "seconds": {
            "step": timing and timing.step,
            "epoch": timing and timing.epoch,
            "loss_share": shares.get(LOSS),
            "update_share": shares.get(UPDATE),
            "untried": why or None,
        },
        "batch_rows": batch,
    }
