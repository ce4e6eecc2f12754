"""Launched: whether a launcher of MPI has started this process as one of several.

The environment tells, so that ordinary commands need not load MPI to learn that they are alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

VARIABLES = (
    ("PMI_RANK", "PMI_SIZE"),  # MPICH, Intel MPI, Slurm with PMI2
    ("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"),  # Open MPI
    ("MV2_COMM_WORLD_RANK", "MV2_COMM_WORLD_SIZE"),  # MVAPICH
    ("PMIX_RANK", "SLURM_STEP_NUM_TASKS"),  # Slurm with PMIx
)


class Place(NamedTuple):
    """One process among those that were started together; ranks count from 0."""

    rank: int = 0
    size: int = 1


def place(environment: Mapping[str, str]) -> Place:
    """Which one this process is, and of how many."""
    for rank, size in VARIABLES:
        said = environment.get(rank, ""), environment.get(size, "")
        if said[0].isdecimal() and said[1].isdecimal() and int(said[0]) < int(said[1]):
            return Place(int(said[0]), int(said[1]))
    return Place()
