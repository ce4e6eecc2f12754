"""nntrain beside PyTorch, JAX, Keras and scikit-learn: speed, whole processes, memory, losses.

    python bench/compare.py [--workloads W1,W2] [--threads 2 1] [--rounds 5]
                            [--contenders 'nntrain,torch fused'] [--beside] [--more] [--no-memory]
    python bench/compare.py --table          # only write the table of what was measured before

Every contender is a process of its own; rounds are interleaved (A B C A B C …), ratios are taken
within a round.  A run during which others had more than 12 % of a core is repeated, at most
`--retries` times (2), and marked if that did not help.  Environments of the peers are made below
`.venv/`, or named: `--torch-python PATH`, `--jax-python PATH` (and Keras), `--sklearn-python PATH`.

Results are one file for each workload and number of threads in `bench/results/`; `--more` adds
rounds to what is there.  `table.py` writes all as Markdown.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).parent / "peers"))

import environments
import measuring
import table
from workloads import WORKLOADS, Workload, file_of, scaled_down

ROOT = Path(__file__).parent.parent
PEERS = ROOT / "bench" / "peers"
RESULTS = ROOT / "bench" / "results"
MOST_FOREIGN = 0.12  # of a core
COMMAND = "command"  # nntrain's own, from process start


class Contender(NamedTuple):
    """environment: whose interpreter.   kinds: the networks that it can express, all if empty."""

    environment: str
    script: str
    mode: str
    kinds: tuple[str, ...] = ()


CONTENDERS = {
    "nntrain": Contender("nntrain", "with_nntrain.py", "fit"),
    "torch eager": Contender("torch", "with_torch.py", "eager"),
    "torch fused": Contender("torch", "with_torch.py", "fused"),
    "torch compile": Contender("torch", "with_torch.py", "compile"),
    "jax step": Contender("jax", "with_jax.py", "step"),
    "jax scan": Contender("jax", "with_jax.py", "scan"),
    "keras": Contender("jax", "with_keras.py", "fit"),
    "sklearn": Contender("sklearn", "with_sklearn.py", "fit", ("mlp",)),
}
USUAL = [name for name in CONTENDERS if name != "torch compile"]
BESIDE = ["nntrain", "torch eager", "torch fused", "jax scan"]
PREDICTING = ["nntrain", "torch eager", "jax step", "keras", "sklearn"]  # others are the same


class Contest:
    """One workload with one number of threads."""

    def __init__(self, w: Workload, threads: int, names: list[str], given: argparse.Namespace):
        self.w, self.threads, self.given = w, threads, given
        can = PREDICTING if w.passes else names
        kinds = {name: CONTENDERS[name].kinds for name in names if name in can}
        self.names = [name for name, kind in kinds.items() if not kind or w.kind in kind]
        self.failed: dict[str, Any] = {}

    def words(self, name: str, *more: str) -> list[str]:
        """The command line of a contender."""
        one = CONTENDERS[name]
        words = [environments.python_of(one.environment, self.given), str(PEERS / one.script)]
        words += ["--workload", self.w.name, "--threads", str(self.threads), "--mode", one.mode]
        return [*words, *more, *(["--tiny"] if self.given.tiny else [])]

    def command(self, place: str) -> list[str]:
        """What a user types."""
        nntrain = str(Path(sys.executable).with_name("nntrain"))
        if self.w.passes:
            return [nntrain, "predict", "run", str(file_of(self.w)), "-o", "out.npy", "-q"]
        fit = [nntrain, "fit", f"{self.w.name}.yaml", "-q", "-o", "run", "--overwrite"]
        return fit if self.threads > 1 else [*fit, "--threads", "1"]

    def measure(self, words: list[str], neighbour: int = 0, place: str = "") -> dict[str, Any]:
        """A run that nobody disturbed, or the least disturbed of some."""
        best: dict[str, Any] = {}
        for _ in range(self.given.retries + 1):
            found = measuring.run(
                words, timeout=self.given.timeout, neighbour=neighbour, place=place or None
            )
            if "failed" in found:
                return found
            if not best or found["foreign"] < best["foreign"]:
                best = found
            if best["foreign"] <= MOST_FOREIGN:
                break
        return best

    def round(self, place: str) -> dict[str, Any]:
        """Every contender once, then nntrain's command line."""
        found = dict[str, Any]()
        for name in self.names:
            if name not in self.failed:
                found[name] = self.measure(self.words(name))
                if self.w.passes and "failed" not in found[name]:
                    once = self.measure(self.words(name, "--once"))
                    found[name]["process_s"] = once.get("process_s", 0.0)
                self._note(name, found)
        found[COMMAND] = self.measure(self.command(place), place=place)
        self._note(COMMAND, found)
        return found

    def round_beside(self) -> dict[str, Any]:
        """Every contender alone with one thread, then all with the neighbour."""
        found, few = dict[str, Any](), ["--epochs", "2"]
        threads, self.threads = self.threads, 1
        for name in self.names:
            found[f"{name} alone"] = self.measure(self.words(name, *few))
        self.threads = threads
        with measuring.busy_neighbour(sys.executable) as neighbour:
            for name in self.names:
                if name not in self.failed:
                    found[name] = self.measure(self.words(name, *few), neighbour)
                    self._note(name, found)
        return found

    def _note(self, name: str, found: dict[str, Any]) -> None:
        if "failed" in found[name]:
            self.failed[name] = found.pop(name)["failed"]

    def agreement(self) -> dict[str, float]:
        """Final losses where every contender does the same work: without dropout."""
        found = {name: self.measure(self.words(name, "--no-dropout")) for name in self.names}
        return {name: facts["final_loss"] for name, facts in found.items() if "failed" not in facts}

    def memory(self, place: str) -> dict[str, float]:
        """The most MB of each contender, of nntrain by its command line, in runs of their own."""
        found = dict[str, float]()
        for name in self.names:
            nntrain = name == "nntrain"
            words = self.command(place) if nntrain else self.words(name, "--once")
            most = measuring.peak_memory(words, self.given.timeout, place if nntrain else None)
            if most is not None:
                found[name] = round(most, 1)
        return found

    def prepare(self, place: str) -> None:
        """What the command line takes, and the file that all read."""
        file_of(self.w)
        done = measuring.run([*self.words("nntrain"), "--prepare", place], timeout=300)
        if "failed" in done:
            raise SystemExit(f"{self.w.name}: {done['failed']}")


def contest(w: Workload, threads: int, given: argparse.Namespace) -> None:
    """Measure, add to the workload's file, and write it after each round."""
    w = scaled_down(w) if given.tiny else w
    names = BESIDE if given.beside else USUAL
    names = [n for n in (given.contenders or names) if n in CONTENDERS]
    one = Contest(w, threads, names, given)
    path = Path(given.results) / f"{w.name}-{threads}{'-beside' if given.beside else ''}.json"
    found = json.loads(path.read_text()) if given.more and path.exists() else {}
    found = {"rounds": [], **found, **facts(given, names), "threads": threads}
    found |= {"workload": w.name, "about": w.about, "beside": given.beside}
    with tempfile.TemporaryDirectory() as place:
        one.prepare(place)
        if w.dropout and not given.beside and "agreement" not in found:
            found["agreement"] = one.agreement()
        for number in range(given.rounds):
            found["rounds"].append(one.round_beside() if given.beside else one.round(place))
            print(f"{w.name}, {threads} threads: round {number + 1} of {given.rounds}", flush=True)
            _write(path, {**found, "failed": one.failed})
        if not given.no_memory and not given.beside:
            found["memory"] = one.memory(place)
    _write(path, {**found, "failed": one.failed})
    print("\n".join(table.detail({**found, "failed": one.failed})), flush=True)


def facts(given: argparse.Namespace, names: list[str]) -> dict[str, Any]:
    """When, where and with which versions."""
    found: dict[str, str] = {}
    for name in dict.fromkeys(CONTENDERS[n].environment for n in names):
        own = environments.versions(environments.python_of(name, given))
        keys = ("python", "numpy") if name == "nntrain" else tuple(own)
        found |= {key: own[key] for key in keys if key in own and key not in found}
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((t.split(":")[1].strip() for t in lines if t.startswith("model name")), "")
    cores = sum(t.startswith("processor") for t in lines)
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "machine": f"{cores} cores of {model}, {platform.system()}",
        "versions": found,
    }


def _write(path: Path, found: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(found, indent=1) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--workloads", default=",".join(WORKLOADS))
    parser.add_argument("--threads", type=int, nargs="*", default=[2, 1])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--contenders", type=lambda text: text.split(","))
    parser.add_argument("--beside", action="store_true", help="beside a busy neighbour")
    parser.add_argument("--more", action="store_true", help="add rounds to those that are there")
    parser.add_argument("--no-memory", action="store_true")
    parser.add_argument("--timeout", type=float, default=120, help="seconds of one run at most")
    parser.add_argument("--retries", type=int, default=2, help="of a run that was disturbed")
    parser.add_argument("--tiny", action="store_true", help="a few rows: does it run at all?")
    parser.add_argument("--results", default=str(RESULTS), metavar="FOLDER", help="where they go")
    parser.add_argument("--table", action="store_true", help="only write the table")
    parser.add_argument("--json", metavar="FILE", help="all results in one file")
    environments.add_options(parser)
    given = parser.parse_args()
    if not given.table:
        for name in given.workloads.split(","):
            for threads in [max(given.threads)] if given.beside else given.threads:
                contest(WORKLOADS[name], threads, given)
    results = table.read(Path(given.results))
    if given.json:
        Path(given.json).write_text(json.dumps(results, indent=1) + "\n")
    table.write(Path(given.results), results)


if __name__ == "__main__":
    main()
