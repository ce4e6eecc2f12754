"""Which format a file has, by the ending of its name; a folder is one of images."""

from __future__ import annotations

import re

from nntrain.data.files import is_folder
from nntrain.data.frames import Arrow, Parquet
from nntrain.data.idx import Idx
from nntrain.data.images import ENDINGS, Images
from nntrain.data.jsonl import Jsonl
from nntrain.data.npz import Npy, Npz
from nntrain.data.sources import Csv
from nntrain.data.text import Text
from nntrain.data.ts import Ts
from nntrain.families import Source


def by_ending(path: str) -> Source:
    """The format of a file; `.gz` at the end says nothing of what is inside."""
    if path and is_folder(path):
        return Images()
    name = path.lower().removesuffix(".gz")
    if name.endswith((".jsonl", ".ndjson", ".json")):
        return Jsonl()
    if name.endswith(".parquet"):
        return Parquet()
    if name.endswith((".arrow", ".feather", ".ipc")):
        return Arrow()
    if name.endswith(ENDINGS):
        return Images()
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


__all__ = [
    "Arrow",
    "Csv",
    "Idx",
    "Images",
    "Jsonl",
    "Npy",
    "Npz",
    "Parquet",
    "Text",
    "Ts",
    "by_ending",
]
