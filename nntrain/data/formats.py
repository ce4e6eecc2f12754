"""Which format a file has, by the ending of its name."""

from __future__ import annotations

import re

from nntrain.data.idx import Idx
from nntrain.data.npz import Npy, Npz
from nntrain.data.sources import Csv
from nntrain.data.text import Text
from nntrain.data.ts import Ts
from nntrain.families import Source


def by_ending(path: str) -> Source:
    """The format of a file; `.gz` at the end says nothing of what is inside."""
    name = path.lower().removesuffix(".gz")
    if name.endswith(".npz"):
        return Npz()
    if name.endswith(".npy"):
        return Npy()
    if name.endswith(".ts"):
        return Ts()
    if name.endswith(".txt"):
        return Text()
    if name.endswith(".tsv"):
        return Csv(delimiter="\t")
    return Idx() if re.search(r"[-.](ubyte|idx\d?)$", name) else Csv()


__all__ = ["Csv", "Idx", "Npy", "Npz", "Text", "Ts", "by_ending"]
