"""What a large file costs: memory of a fit, speed of the conversion, an epoch from the cache.

    python bench/data.py [--rows 1000000 10000000] [--rounds 5] [--folder DIR]
                         [--polars-python PYTHON]

Generates a CSV file of 20 columns of numbers for each number of rows (10 million are 2 GB), then

- trains an epoch with `nntrain fit` from nothing, looking every 10 ms at the anonymous memory
  (RssAnon) of the process and its children together; pages of mapped files do not count;
- converts the file, between readings of it by polars, each in a process of its own; SHA-256 of
  the file is needed to find the cache, and told apart;
- trains epochs on the mapped arrays, between epochs on copies of them in memory.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import fields, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

COLUMNS = 20
CONFIG = """
name: size
data: {path: PATH, target: y, split: {validation: 0.1, test: 0.1}}
loss: mean_squared_error
model: {layers: [{type: dense, units: 64, activation: relu}, {type: dense, units: auto}]}
optimizer: adam
trainer: {max_epochs: 1, batch_size: 256}
"""
POLARS = """
import sys, time, polars
clock, processors = time.perf_counter(), time.process_time()
polars.read_csv(sys.argv[1])
print(time.perf_counter() - clock, time.process_time() - processors)
"""


def generate(path: Path, rows: int) -> None:
    """Numbers with six decimals, the last one a sum of the others."""
    rng = np.random.default_rng(0)
    weights = rng.normal(size=COLUMNS - 1)
    line = ",".join(["%.6f"] * COLUMNS) + "\n"
    with path.open("w") as stream:
        stream.write(",".join([*(f"x{i}" for i in range(COLUMNS - 1)), "y"]) + "\n")
        for at in range(0, rows, 100_000):
            x = rng.normal(size=(min(100_000, rows - at), COLUMNS - 1)) * 10
            y = x @ weights + rng.normal(size=len(x))
            table = np.column_stack([x, y])
            stream.write((line * len(table)) % tuple(table.ravel().tolist()))


def anonymous(pid: int) -> int:
    """Bytes of anonymous memory of a process and its children."""
    total = 0
    try:
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("RssAnon:"):
                total += int(line.split()[1]) * 1024
        for task in Path(f"/proc/{pid}/task").iterdir():
            total += sum(anonymous(int(child)) for child in (task / "children").read_text().split())
    except (OSError, ValueError):
        return 0  # it has ended
    return total


def fit_memory(config: Path, folder: Path) -> dict[str, float]:
    """The most memory that a fit takes, and its seconds; the cache is empty."""
    command = [
        sys.executable,
        "-c",
        "from nntrain.cli import main; main()",
        "fit",
        str(config),
        "-o",
        str(folder / "run"),
    ]
    began, most = time.perf_counter(), 0
    with subprocess.Popen([*command, "-q", "--overwrite"], stdout=subprocess.DEVNULL) as process:
        while process.poll() is None:
            most = max(most, anonymous(process.pid))
            time.sleep(0.01)
    assert process.returncode == 0
    return {"memory": most, "seconds": time.perf_counter() - began}


def now() -> tuple[float, float]:
    """Seconds of the clock, and of the processors for this process and its ended children."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.perf_counter(), time.process_time() + children.ru_utime + children.ru_stime


def since(began: tuple[float, float]) -> tuple[float, float]:
    clock, processors = now()
    return clock - began[0], processors - began[1]


def conversion(config: Path, *, extra: bool) -> dict[str, tuple[float, float]]:
    """What it takes to look at all bytes, and to convert them."""
    from nntrain.config import load
    from nntrain.data import blocks
    from nntrain.data.reading import Converting, read, telling

    if not extra:
        vars(blocks)["has_polars"] = lambda: False
    loaded, times = load(config), [now()]
    looked = list[tuple[float, float]]()

    def tell(what: Any) -> None:
        if isinstance(what, Converting) and 2 * what.done >= what.total and not looked:
            looked.append(since(times[0]))
            times.append(now())

    data = replace(loaded.experiment.data, cache="never")
    with telling(tell):
        read(data, loaded.data_path, "numbers")
    return {"look": looked[0], "convert": since(times[1])}


def epochs(config: Path, rounds: int) -> dict[str, list[tuple[float, float]]]:
    """What epochs take on mapped arrays, and on copies in memory."""
    from nntrain.config import load
    from nntrain.data.dataset import Dataset
    from nntrain.data.parts import Part
    from nntrain.events import EpochEnded
    from nntrain.run.run import Run
    from nntrain.training.fit import fit

    loaded = load(config)
    mapped = Dataset.load(loaded.experiment.data, loaded.data_path, "numbers", 0)

    def copy(part: Part) -> Part:
        arrays = {f.name: getattr(part, f.name) for f in fields(part)}
        own: Any = {n: np.array(a) for n, a in arrays.items() if isinstance(a, np.ndarray)}
        return replace(part, **own)

    copied = replace(mapped, parts={name: copy(part) for name, part in mapped.parts.items()})
    took: dict[str, list[tuple[float, float]]] = {"mapped": [], "memory": []}
    with tempfile.TemporaryDirectory() as place:
        for _ in range(rounds):
            for name, dataset in (("mapped", mapped), ("memory", copied)):
                run = Run.start(loaded, dataset, Path(place, "run"), overwrite=True)
                began = now()
                for event in fit(run):
                    if isinstance(event, EpochEnded):
                        took[name].append(since(began))
    return took


def in_process(config: Path, what: str, rounds: int, cache: Path) -> Any:
    """One of the above, in a process of its own."""
    words = [sys.executable, __file__, "--one", what, "--config", str(config)]
    environment = {**os.environ, "NNTRAIN_CACHE": str(cache), "OPENBLAS_NUM_THREADS": "1"}
    found = subprocess.run(
        [*words, "--rounds", str(rounds), "--folder", str(config.parent)],
        check=True, env=environment, capture_output=True, text=True,
    )  # fmt: skip
    return json.loads(found.stdout)


def polars_takes(python: str, path: Path) -> tuple[float, float]:
    command = [python, "-c", POLARS, str(path)]
    found = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    return float(found[0]), float(found[1])


def span(values: list[float]) -> str:
    return f"{statistics.median(values):.2f} [{min(values):.2f} to {max(values):.2f}]"


def both(pairs: list[tuple[float, float]]) -> str:
    return f"{span([p[0] for p in pairs])} s, {span([p[1] for p in pairs])} s of processors"


def ratios(above: list[tuple[float, float]], below: list[tuple[float, float]]) -> str:
    """Of each round, by the clock and by the time of processors."""
    clock, processors = ([a[i] / b[i] for a, b in zip(above, below, strict=True)] for i in (0, 1))
    return f"{span(clock)} by the clock, {span(processors)} by processors"


def measure(rows: int, folder: Path, rounds: int, python: str) -> None:
    path, config, cache = folder / f"{rows}.csv", folder / f"{rows}.yaml", folder / "cache"
    if not path.exists():
        generate(path, rows)
    config.write_text(CONFIG.replace("PATH", str(path)))
    print(f"\n{rows:,} rows, {path.stat().st_size / 1e6:,.0f} MB", flush=True)
    found = in_process(config, "memory", 1, cache / str(time.time_ns()))
    print(f"fit: {found['memory'] / 1e6:.0f} MB of RssAnon at most, {found['seconds']:.1f} s")
    ways = ["convert", *(["convert-extra"] if find_spec("polars") else [])]
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in ("polars", "look", *ways)}
    for _ in range(rounds):
        times["polars"].append(polars_takes(python, path))
        for way in ways:
            found = in_process(config, way, 1, cache)
            times[way].append(found["convert"])
        times["look"].append(found["look"])
    for name, values in times.items():
        print(f"{name}: {both(values)}", flush=True)
    for way in ways:
        print(f"polars / {way}: {ratios(times['polars'], times[way])}")
        whole = [(a[0] + b[0], a[1] + b[1]) for a, b in zip(times["look"], times[way], strict=True)]
        print(f"polars / (look + {way}): {ratios(times['polars'], whole)}", flush=True)
    took = in_process(config, "epochs", rounds, cache)
    print(f"epoch, mapped: {both(took['mapped'])}; in memory: {both(took['memory'])}")
    print(f"speed mapped / in memory: {ratios(took['memory'], took['mapped'])}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000_000, 10_000_000])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--folder", type=Path, help="where the files go, on the disk to measure")
    parser.add_argument("--polars-python", default=sys.executable)
    parser.add_argument("--one", help=argparse.SUPPRESS)
    parser.add_argument("--config", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        each: dict[str, Callable[[], Any]] = {
            "memory": lambda: fit_memory(given.config, given.folder),
            "convert": lambda: conversion(given.config, extra=False),
            "convert-extra": lambda: conversion(given.config, extra=True),
            "epochs": lambda: epochs(given.config, given.rounds),
        }
        print(json.dumps(each[given.one]()))
        return
    with tempfile.TemporaryDirectory() as place:
        folder = given.folder or Path(place)
        for rows in given.rows:
            measure(rows, folder, given.rounds, given.polars_python)


if __name__ == "__main__":
    main()
