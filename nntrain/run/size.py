"""Whether a network fits into this machine, asked before any of it is there."""

from __future__ import annotations

import os

from nntrain.config import Loaded
from nntrain.errors import ConfigError
from nntrain.run.checks import keys_of
from nntrain.store import Plan

COPIES = 3  # weights, their gradients and the best ones; slots of optimizers come on top
BYTES = 4


def check_size(loaded: Loaded, plan: Plan) -> None:
    """Refuse a network whose weights alone are more than the memory of the machine."""
    memory = machine_memory()
    learned = sum(row.parameters for row in plan.layers)
    if memory and COPIES * BYTES * learned > memory:
        largest = max(plan.layers, key=lambda row: row.parameters)
        message = (
            f"this layer learns {largest.parameters:,} numbers: the network takes "
            f"{COPIES * BYTES * learned / 1e9:,.0f} GB, this machine has {memory / 1e9:,.0f} GB"
        )
        raise ConfigError(loaded.problem(keys_of(loaded, largest.path), message))


def machine_memory() -> int:
    """Bytes of memory; 0 where the system does not say."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return 0
