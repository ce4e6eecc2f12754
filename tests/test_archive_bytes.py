"""The bytes of an archive: those that safetensors' own writer makes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from safetensors import safe_open
from safetensors.numpy import save

from nntrain.families import Array
from nntrain.run.archive import KEY, read_archive, write_archive

ARRAYS: dict[str, Array] = {
    "weights": np.arange(6, dtype=np.float32).reshape(2, 3),
    "b": np.arange(3, dtype=np.float64),
    "alone": np.array([3], dtype=np.int64),
    "none": np.zeros((0, 4), np.float32),
    "turned": np.arange(6, dtype=np.float32).reshape(2, 3).T,
    "mask": np.array([True, False, True]),
    "bytes": np.arange(5, dtype=np.uint8),
    'gr\u00f6\u00dfe \u0001 "\\ \U0001f600': np.arange(2, dtype=np.int32),
}


def test_an_archive_is_what_safetensors_writes(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    write_archive(path, "model", ARRAYS, {"name": "gr\u00f6\u00dfe"})
    with safe_open(path, framework="numpy") as file:
        text = file.metadata()[KEY]
    whole = {name: np.ascontiguousarray(array) for name, array in ARRAYS.items()}
    assert path.read_bytes() == save(whole, metadata={KEY: text})
    arrays, facts = read_archive(path, "model")
    assert facts == {"name": "gr\u00f6\u00dfe"}
    for name, array in ARRAYS.items():
        assert (arrays[name] == array).all() and arrays[name].shape == array.shape
