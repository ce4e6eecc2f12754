"""How time and memory grow: with the rows, and with the parameters.   Pictures for the docs.

    python bench/growth.py [--rows 10000 100000 1000000 10000000] [--parameters 1000 … 10000000]

Rows: epochs of 20-64-32-20 on a file of 20 columns that learns its own input, arrays in memory and
mapped to files; each run is a process of its own, whose anonymous memory is watched.  Parameters:
the time of a step of four layers of one width, batch 128, beside that of its products alone.
One thread.  Prints the numbers, adds them to `results/growth.json` (so that a part can be measured
anew) and draws `docs/pictures/growth-*.svg` of all that is there.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from nntrain.threads import pin

pin(1)  # before NumPy is loaded, by the next import

import numpy as np  # noqa: E402
import picture  # noqa: E402
from measuring import environment  # noqa: E402

DOCS = Path(__file__).parent.parent / "docs" / "pictures"
RESULTS = Path(__file__).parent / "results" / "growth.json"
COLUMNS, BATCH, LAYERS = 20, 128, 4
SEEN = 20_000_000  # rows that are seen in all, so that short epochs are repeated
LEAST_EPOCHS = 2
CONFIG = """
data:
  path: {path}
  preprocessing: {{numeric: {{scale: none}}}}
  split: {{validation: 0, test: 0}}
model: {{layers: [{layers}]}}
loss: mean_squared_error
optimizer: {{type: adam, learning_rate: 1e-4}}
trainer: {{max_epochs: {epochs}, batch_size: {batch}, checkpoint_seconds: 1e6}}
"""


def train(path: Path, layers: str, epochs: int, place: Path) -> list[float]:
    """Seconds of each epoch, as `nntrain fit` trains."""
    from nntrain.cli.loading import load_config, load_data
    from nntrain.events import EpochEnded
    from nntrain.run.run import Run
    from nntrain.training.fit import fit

    config = place / "config.yaml"
    config.write_text(CONFIG.format(path=path, layers=layers, epochs=epochs, batch=BATCH))
    loaded = load_config(config, [])
    run = Run.start(loaded, load_data(loaded), place / "run", threads=1)
    return [event.seconds for event in fit(run) if isinstance(event, EpochEnded)]


def dense(widths: list[int | str]) -> str:
    last = len(widths) - 1
    kinds = ("relu" if i < last else "identity" for i in range(len(widths)))
    pairs = zip(widths, kinds, strict=True)
    return ", ".join(f"{{type: dense, units: {w}, activation: {kind}}}" for w, kind in pairs)


def write_rows(path: Path, rows: int, columns: int) -> None:
    """Normal numbers, a stretch at a time."""
    found = np.lib.format.open_memmap(path, "w+", np.float32, (rows, columns))
    rng = np.random.default_rng(0)
    for at in range(0, rows, 100_000):
        part = found[at : at + 100_000]
        part[...] = rng.standard_normal(part.shape, np.float32)


def one_of_rows(rows: int, where: str, folder: Path) -> None:
    """The run of a process: one line of JSON."""
    from nntrain import room

    if where == "memory":
        room.LARGE = sys.maxsize
    epochs = max(LEAST_EPOCHS, min(30, SEEN // (10 * rows)))
    seconds = train(folder / f"{rows}.npy", dense([64, 32, "auto"]), epochs, folder / where)
    print(
        json.dumps({"ns_per_row": 1e9 * statistics.median(seconds[-max(1, epochs - 1) :]) / rows})
    )


def by_rows(sizes: list[int], folder: Path) -> dict[str, list[dict[str, float]]]:
    """For arrays in memory and mapped: rows, nanoseconds a row, MB at most."""
    found: dict[str, list[dict[str, float]]] = {"memory": [], "mapped": []}
    for rows in sizes:
        write_rows(folder / f"{rows}.npy", rows, COLUMNS)
        for where, results in found.items():
            (folder / where).mkdir(exist_ok=True)
            words = [sys.executable, __file__, "--one", str(rows), where, str(folder)]
            facts = watched(words)
            results.append({"rows": rows, **facts})
            print(f"| {rows:,} | {where} | {facts['ns_per_row']:.0f} | {facts['mb']:.0f} |")
            subprocess.run(["rm", "-rf", str(folder / where / "run")], check=True)
        (folder / f"{rows}.npy").unlink()
    return found


def watched(words: list[str]) -> dict[str, float]:
    """What a process prints, and the most anonymous memory that it had, in MB."""
    process = subprocess.Popen(words, env=environment(), stdout=subprocess.PIPE, text=True)
    most = 0
    while process.poll() is None:
        try:
            text = Path(f"/proc/{process.pid}/status").read_text()
        except OSError:
            break
        lines = (line for line in text.splitlines() if line.startswith("RssAnon"))
        most = max([most, *(int(line.split()[1]) for line in lines)])
        time.sleep(0.02)
    out = process.communicate()[0]
    if process.returncode:
        raise SystemExit(f"{words} ended with {process.returncode}")
    facts: dict[str, float] = json.loads(out.splitlines()[-1])
    return {**facts, "mb": most / 1024}


def by_parameters(sizes: list[int], folder: Path) -> list[dict[str, float]]:
    """Parameters, microseconds a step, microseconds of its products alone."""
    found = []
    for wanted in sizes:
        width = max(2, round((wanted / (LAYERS - 1)) ** 0.5))
        steps = max(4, min(400, int(2e9 / (wanted * BATCH))))
        path = folder / f"wide-{width}.npy"
        write_rows(path, steps * BATCH, width)
        place = folder / f"wide-{width}"
        place.mkdir()
        layers = dense([*[width] * (LAYERS - 2), "auto"])
        seconds = train(path, layers, 6, place)[1:]
        products = min(products_of(width) for _ in range(5))
        facts = {
            "parameters": (LAYERS - 1) * (width * width + width),
            "us": 1e6 * min(seconds) / steps,
            "products_us": 1e6 * products,
        }
        found.append(facts)
        print(f"| {facts['parameters']:,} | {facts['us']:.0f} | {facts['products_us']:.0f} |")
    return found


def products_of(width: int) -> float:
    """Seconds that the products of one step take: forward, gradients of weights and of inputs."""
    rng = np.random.default_rng(0)
    x, dz = (rng.standard_normal((BATCH, width), np.float32) for _ in range(2))
    weights = [rng.standard_normal((width, width), np.float32) for _ in range(LAYERS - 1)]
    gradients = [np.empty_like(W) for W in weights]
    y, dx = np.empty_like(x), np.empty_like(x)

    def step() -> None:
        for W in weights:
            np.matmul(x, W, out=y)
        for number, (W, dW) in enumerate(zip(weights, gradients, strict=True)):
            np.matmul(x.T, dz, out=dW)
            if number:  # the first layer needs no gradient of its input
                np.matmul(dz, W.T, out=dx)

    return per_call(step)


def per_call(step: Callable[[], None]) -> float:
    step()
    start, count = time.perf_counter(), 0
    while (passed := time.perf_counter() - start) < 0.2:
        step()
        count += 1
    return passed / count


def draw(found: dict[str, dict[str, Any]]) -> None:
    """The pictures of what was measured."""
    names = {"memory": "arrays in memory", "mapped": "mapped where they are large"}
    for name, key, title in (
        ("time", "ns_per_row", "Nanoseconds of training a row, by rows"),
        ("memory", "mb", "MB of anonymous memory at most, by rows"),
    ):
        lines = {names[w]: _points(found.get(w, {}), "rows", key) for w in names if w in found}
        if lines:
            text = picture.lines(title, lines, from_zero=True)
            (DOCS / f"growth-{name}.svg").write_text(text)
    if wide := found.get("wide"):
        both = {
            "a step": _points(wide, "parameters", "us"),
            "its products alone": _points(wide, "parameters", "products_us"),
        }
        text = picture.lines("Microseconds of a step, by parameters", both, from_zero=False)
        (DOCS / "growth-parameters.svg").write_text(text)


def _points(results: dict[str, Any], x: str, y: str) -> list[tuple[float, float]]:
    return sorted((one[x], one[y]) for one in results.values())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rows", type=int, nargs="*", default=[10**k for k in range(4, 8)])
    parser.add_argument("--parameters", type=int, nargs="*", default=[10**k for k in range(3, 8)])
    parser.add_argument("--draw", action="store_true", help="only draw what was measured before")
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        rows, where, folder = given.one
        one_of_rows(int(rows), where, Path(folder))
        return
    found = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    if given.draw:
        draw(found)
        return
    with tempfile.TemporaryDirectory() as place:
        print("| rows | arrays | ns a row | RssAnon MB |\n| --- | --- | --- | --- |")
        for where, results in by_rows(given.rows, Path(place)).items():
            found.setdefault(where, {}).update({str(one["rows"]): one for one in results})
        print("\n| parameters | us a step | us of its products |\n| --- | --- | --- |")
        wide = by_parameters(given.parameters, Path(place))
        found.setdefault("wide", {}).update({str(one["parameters"]): one for one in wide})
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(found, indent=1) + "\n")
    draw(found)


if __name__ == "__main__":
    main()
