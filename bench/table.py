"""The table of what was measured: ratios of medians within rounds, as Markdown."""

from __future__ import annotations

import json
import statistics
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent / "peers"))

from workloads import WORKLOADS

MOST_FOREIGN = 0.12
FIRST = "nntrain"
NAMES = {
    "torch eager": "PyTorch eager",
    "torch fused": "PyTorch fused optimizer",
    "torch compile": "torch.compile",
    "jax step": "JAX jit, a call a step",
    "jax scan": "JAX, an epoch in one call",
    "keras": "Keras on JAX",
    "sklearn": "scikit-learn",
}
LEGEND = """
Speeds are samples per second of the median epoch without the first; ratios are nntrain's speed over
the other's, within a round, median [lowest to highest]: above 1, nntrain is faster.  *process* is
the time from process start to the end, file read included: of nntrain its command line, of the
others their script, which reads the same file.  *MB* is the most that a process and its workers
held at one time by PSS, in which a shared page counts once.  A contender whose final loss is
further from PyTorch's than the tolerance gets no ratio.  `!` marks a run that others disturbed.
"""


def read(folder: Path) -> list[dict[str, Any]]:
    """All results, in the order of the workloads, most threads first."""
    found = [json.loads(path.read_text()) for path in sorted(folder.glob("W*.json"))]
    names = list(WORKLOADS)
    found = [one for one in found if one["workload"] in names and one["rounds"]]
    return sorted(found, key=lambda r: (r["beside"], -r["threads"], names.index(r["workload"])))


def write(folder: Path, results: list[dict[str, Any]]) -> None:
    """`performance.md`: the overview, then each workload."""
    lines = ["# Measured speeds", "", *_facts(results), LEGEND]
    for threads in sorted({r["threads"] for r in results if not r["beside"]}, reverse=True):
        some = [r for r in results if not r["beside"] and r["threads"] == threads]
        lines += [f"## {threads} threads" if threads > 1 else "## One thread", ""]
        lines += [*overview(some), ""]
    if beside := [r for r in results if r["beside"]]:
        lines += ["## Beside a busy neighbour with two processes", "", *_beside(beside), ""]
    for result in results:
        if not result["beside"]:
            lines += detail(result)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "performance.md").write_text("\n".join(lines).rstrip() + "\n")


def _facts(results: list[dict[str, Any]]) -> Iterator[str]:
    versions = dict[str, str]()
    for result in results:
        versions |= result["versions"]
    days = sorted({result["date"] for result in results})
    if results:
        yield f"{results[0]['machine']}; {', '.join(f'{k} {v}' for k, v in versions.items())}; "
        yield f"{' to '.join(dict.fromkeys((days[0], days[-1])))}."


def overview(results: list[dict[str, Any]]) -> Iterator[str]:
    """A row a workload: nntrain's speed, and the ratio to each peer."""
    peers = [name for name in NAMES if any(name in _present(r) for r in results)]
    header = ["workload", "samples/s", *(NAMES[p] for p in peers)]
    header += ["whole process / PyTorch eager", "MB, PyTorch eager"]
    yield _row(header)
    yield _row(["---"] * len(header))
    for result in results:
        cells = [f"**{result['workload']}** {result['about']}"]
        cells.append(f"{_median(_each(result, FIRST, 'samples_per_s')):,.0f}")
        cells += [_ratio(result, peer) for peer in peers]
        cells.append(_process_ratio(result, "torch eager"))
        memory = result.get("memory", {})
        cells.append(" / ".join(f"{memory.get(n, 0):.0f}" for n in (FIRST, "torch eager")))
        yield _row(cells)


def detail(result: dict[str, Any]) -> list[str]:
    """All contenders of one workload."""
    if result["beside"]:
        return list(_beside([result]))
    lines = [f"### {result['workload']}, {result['about']}: {_threads(result)}", ""]
    rounds = len(result["rounds"])
    lines += [f"{rounds} round{'s' * (rounds != 1)}, {result['date']}.", ""]
    header = ["", "samples/s", "nntrain / it", "process s", "it / nntrain", "first epoch s", "MB"]
    lines += [_row([*header, "final loss"]), _row(["---"] * 8)]
    for name in [FIRST, *NAMES]:
        if name not in _present(result):
            continue
        process = "command" if name == FIRST else name
        first = _each(result, name, "first_epoch_s")
        cells = [
            f"{NAMES.get(name, name)} {_marks(result, name)}".strip(),
            _span(_each(result, name, "samples_per_s"), "{:,.0f}"),
            "" if name == FIRST else _ratio(result, name),
            _span(_each(result, process, "process_s"), "{:.2f}"),
            "" if name == FIRST else _process_ratio(result, name),
            f"{_median(first):.2f}",
            f"{result.get('memory', {}).get(name, float('nan')):.0f}",
            f"{_loss(result, name):.5f}",
        ]
        lines.append(_row(cells))
    for name, why in result.get("failed", {}).items():
        lines += ["", f"{NAMES.get(name, name)}: {why}"]
    return [*lines, ""]


def _beside(results: list[dict[str, Any]]) -> Iterator[str]:
    """Speeds beside the neighbour, and as shares of the own speed alone with one thread."""
    names = [n for n in (FIRST, *NAMES) if any(n in _present(r) for r in results)]
    shown = [NAMES.get(n, n) for n in names]
    yield _row(["workload", *(f"{name}, samples/s" for name in shown), "/ own speed, one thread"])
    yield _row(["---"] * (len(names) + 2))
    for result in results:
        cells = [result["workload"]]
        shares = list[str]()
        for name in names:
            own = _each(result, name, "samples_per_s")
            cells.append(f"{_median(own):,.0f}" if own else str(result["failed"].get(name, "")))
            ratios = _paired(result, name, f"{name} alone", "samples_per_s")
            shares.append(f"{_median(ratios):.2f}" if ratios else "–")
        yield _row([*cells, ", ".join(shares)])


def _threads(result: dict[str, Any]) -> str:
    return "one thread" if result["threads"] == 1 else f"{result['threads']} threads"


def _present(result: dict[str, Any]) -> set[str]:
    return {name for found in result["rounds"] for name in found}


def _each(result: dict[str, Any], name: str, key: str) -> list[float]:
    return [found[name][key] for found in result["rounds"] if key in found.get(name, {})]


def _paired(result: dict[str, Any], a: str, b: str, key: str) -> list[float]:
    """The ratios a / b, within rounds."""
    both = [f for f in result["rounds"] if key in f.get(a, {}) and key in f.get(b, {})]
    return [found[a][key] / found[b][key] for found in both if found[b][key]]


def _loss(result: dict[str, Any], name: str) -> float:
    agreement = result.get("agreement", {})
    return agreement.get(name, float("nan")) if agreement else _each(result, name, "final_loss")[-1]


def _agrees(result: dict[str, Any], name: str) -> bool:
    """Whether its final loss is PyTorch's, or ours where PyTorch did not run."""
    reference = "torch eager" if "torch eager" in _present(result) else FIRST
    apart = [abs(_loss(result, one) - _loss(result, reference)) for one in (name, FIRST)]
    return all(a <= WORKLOADS[result["workload"]].tolerance for a in apart)


def _ratio(result: dict[str, Any], peer: str) -> str:
    ratios = _paired(result, FIRST, peer, "samples_per_s")
    if not ratios:
        return ""
    return _span(ratios, "{:.2f}") if _agrees(result, peer) else "losses differ"


def _process_ratio(result: dict[str, Any], peer: str) -> str:
    ratios = _paired(result, peer, "command", "process_s")
    return f"{_median(ratios):.2f}" if ratios else ""


def _marks(result: dict[str, Any], name: str) -> str:
    return "!" * sum(f > MOST_FOREIGN for f in _each(result, name, "foreign"))


def _median(values: list[float]) -> float:
    return statistics.median(values) if values else float("nan")


def _span(values: list[float], form: str) -> str:
    if not values:
        return ""
    low, middle, high = (form.format(v) for v in (min(values), _median(values), max(values)))
    return middle if len(values) == 1 else f"{middle} [{low} to {high}]"


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"
