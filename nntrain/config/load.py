"""Load a config file: the public face of this folder."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from nntrain.config.document import parse_document
from nntrain.config.experiment import Experiment
from nntrain.config.grammar import unfold
from nntrain.config.layering import Layered, layered
from nntrain.config.plugins import plugins_of
from nntrain.config.rules import check, told
from nntrain.config.rules.naming import unusable
from nntrain.config.rules.sweep import monitor_of_sweep
from nntrain.config.scores import default_metrics
from nntrain.config.space import check_space
from nntrain.config.tree import KeyPath, Node, Place, find, from_plain, place_of, plain
from nntrain.config.validation import validate
from nntrain.config.writing import as_yaml
from nntrain.data.inputs import below
from nntrain.errors import ConfigError, Problem
from nntrain.values import dataclass

MOST_PROBLEMS = 20


@dataclass(frozen=True)
class Loaded:
    """A config that was read: the experiment, and where each part of it was written.

    text: the file as given, without what it extends and without `--set`.
    data_paths, validation_path, test_path: the data files or patterns, absolute; data_path is the
        first of them.
    notes: sentences for the user that came up on the way.
    """

    experiment: Experiment
    text: str
    path: Path
    root: Node
    notes: tuple[str, ...] = ()

    @property
    def data_path(self) -> Path:
        return self.data_paths[0]

    @property
    def data_paths(self) -> tuple[Path, ...]:
        return self._beside(self.experiment.data.path)

    @property
    def validation_path(self) -> tuple[Path, ...] | None:
        validation_path = self.experiment.data.validation_path
        return None if validation_path is None else self._beside(validation_path)

    @property
    def test_path(self) -> tuple[Path, ...] | None:
        test_path = self.experiment.data.test_path
        return None if test_path is None else self._beside(test_path)

    @property
    def alone(self) -> Loaded:
        """The same without its `sweep:`, for one training."""
        return replace(self, experiment=replace(self.experiment, sweep=None))

    def _beside(self, paths: str | tuple[str, ...]) -> tuple[Path, ...]:
        folder = os.path.realpath(self.path.parent)
        several = (paths,) if isinstance(paths, str) else paths
        return tuple(Path(os.path.normpath(below(folder, path))) for path in several)

    def origin(self, path: KeyPath) -> str:
        """Where the value at a key path was written, `file:line`; nothing for a default."""
        place = place_of(self.root, path)
        return f"{place.file}:{place.line}" if find(self.root, path) else ""

    def problem(
        self, path: KeyPath, message: str, hint: str = "", *, about_key: bool = False
    ) -> Problem:
        """A later finding about the value at a key path, or about its key, at its place."""
        return place_of(self.root, path, key=about_key).problem(path, message, hint)


def load(path: str | Path, sets: Iterable[str] = (), *, trusted: bool = False) -> Loaded:
    """The experiment in a config file, with `sets` (`a.b=value`) on top.

    trusted: the user has given this very file, so the plugins that it names are run.
    Raises ConfigError with all problems that one reading can find.
    """
    return _loaded(Path(path), sets, trusted=trusted)


def of_plain(values: Mapping[str, Any], sets: Iterable[str] = ()) -> Loaded:
    """The same for mappings, lists and scalars; paths are relative to the working directory."""
    return _loaded(Path("config"), sets, as_yaml(values), trusted=True)


def _loaded(
    path: Path, sets: Iterable[str], text: str | None = None, *, trusted: bool = False
) -> Loaded:
    layers = layered(path, sets, text)
    plugins = plugins_of(layers.root, path) if trusted else []
    if plugins:  # bare words in what their kinds hold
        layers = layers._replace(root=unfold(layers.root, Experiment))
    experiment = _experiment(layers)
    notes = tuple(note for plugin in plugins for note in plugin.notes)
    return Loaded(_named(experiment, path), layers.text, path, layers.root, notes)


def check_sweep(loaded: Loaded) -> None:
    """Refuse a `sweep:` that does not fit the rest of the config, as for `fit` it need not."""
    experiment, root = loaded.experiment, loaded.root
    if experiment.sweep is None:
        return
    judged = (experiment.data, experiment.loss, experiment.metrics, experiment.early_stopping)
    problems = told(monitor_of_sweep(*judged, experiment.sweep), root)
    problems += check_space(root, experiment.sweep.method)
    if problems:
        raise ConfigError(*_shown(problems, root.place.file))


def rebuilt(loaded: Loaded, root: Node) -> Loaded:
    """`loaded` with another tree, whatever was changed in it."""
    experiment = _named(_experiment(Layered(root, loaded.text, [])), loaded.path)
    return replace(loaded, experiment=experiment, root=root)


def parse(text: str, file: str) -> Experiment:
    """The experiment in `text`, which nntrain wrote itself and keeps in a run or a model."""
    document = parse_document(text, file)
    root = unfold(document.root, Experiment)
    return _experiment(Layered(root, text, document.problems))


def plain_of(text: str, file: str) -> Any:
    """The mappings, lists and scalars in such a text, whatever kinds they name."""
    return plain(parse_document(text, file).root)


def restore(values: Any, file: str) -> Experiment:
    """The experiment in mappings, lists and scalars, such as `to_plain` makes; from JSON, say."""
    root = unfold(from_plain(values, Place(file)), Experiment)
    return _experiment(Layered(root, "", []))


def _experiment(layers: Layered) -> Experiment:
    validated = validate(layers.root)
    problems = [*layers.problems, *validated.problems]
    problems += check(validated.sections, layers.root)
    if problems:
        raise ConfigError(*_shown(problems, layers.root.place.file))
    experiment = Experiment(**validated.sections)
    if experiment.metrics is None:
        return replace(experiment, metrics=default_metrics(experiment.loss))
    return experiment


def _shown(problems: list[Problem], first: str) -> list[Problem]:
    """The problems in the order of their files, and no more than a person will read."""
    files = [first, *dict.fromkeys(problem.file for problem in problems)]
    problems = sorted(problems, key=lambda p: (files.index(p.file), p.line, p.column))
    if (more := len(problems) - MOST_PROBLEMS) > 0:
        rest = Problem(f"and {more} more problem{'s' if more > 1 else ''}")
        return [*problems[:MOST_PROBLEMS], rest]
    return problems


def _named(experiment: Experiment, path: Path) -> Experiment:
    """The experiment, its name the file's if it has none of its own."""
    if experiment.name:
        return experiment
    if bad := unusable(path.stem):
        hint = "give it another name, such as `name: first-try`"
        message = f"the run is named after the file, and {bad}"
        raise ConfigError(Problem(message, str(path), hint=hint))
    return replace(experiment, name=path.stem)
