"""Model: a trained network with all that prediction needs, in one file.

What `predict` does can not drift from what `fit` did, because both read the same preprocessor,
the same layers and the same loss from here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from nntrain.config import Experiment, Score, require, restore, scores, used_by
from nntrain.data.idx import Idx
from nntrain.data.preprocessing import Preprocessor
from nntrain.data.targets import Classes
from nntrain.errors import ConfigError, MachineError
from nntrain.families import Array, Layer, Loss, to_plain
from nntrain.layers.lookup import LearnedTable, Lookup
from nntrain.layers.units import settle_units, settle_vocabulary
from nntrain.network import Network, plan
from nntrain.run.archive import damaged, read_archive, write_archive
from nntrain.store import Plan
from nntrain.values import dataclass
from nntrain.wording import quoted


@dataclass(frozen=True)
class Model:
    """A network, and what its inputs and outputs mean.

    loss, scores: those of the experiment, which now know the data.
    """

    experiment: Experiment
    preprocessor: Preprocessor
    network: Network
    loss: Loss
    scores: tuple[Score, ...]

    def show(self, prediction: Array) -> Array:
        """What people are shown: probabilities (N, C), or values in their own unit (N, K)."""
        return self.preprocessor.unscale(self.loss.link(prediction))


def build_model(experiment: Experiment, preprocessor: Preprocessor) -> Model:
    """A model with its first weights."""
    network, loss = build_network(experiment, preprocessor), settled_loss(experiment, preprocessor)
    return Model(experiment, preprocessor, network, loss, _scores(experiment, preprocessor))


def build_network(
    experiment: Experiment,
    preprocessor: Preprocessor,
    dtype: Any = np.float32,
    *,
    input_gradient: bool = False,
) -> Network:
    """The network that a config describes, for the data that was met."""
    with np.errstate(over="ignore"):  # first weights beyond float32 are told by the first step
        return Network(
            settled_layers(experiment, preprocessor),
            preprocessor.shape,
            experiment.seed,
            dtype=dtype,
            groups=experiment.optimizer.groups,
            columns=preprocessor.places,
            lookup=lookup_of(preprocessor),
            input_gradient=input_gradient,
        )


def build_plan(experiment: Experiment, preprocessor: Preprocessor) -> Plan:
    """What that network would consist of."""
    layers = settled_layers(experiment, preprocessor)
    return plan(layers, preprocessor.shape, preprocessor.places, lookup_of(preprocessor))


def lookup_of(preprocessor: Preprocessor) -> Lookup | None:
    """What looks up the categories that the network embeds, where there are such columns."""
    tables = {name: LearnedTable(*embedding) for name, embedding in preprocessor.embeddings.items()}
    return Lookup(tables) if tables else None


def settled_layers(experiment: Experiment, preprocessor: Preprocessor) -> tuple[Layer, ...]:
    """The layers of a config, once the data tells what is `auto`."""
    layers = settle_units(experiment.model.layers, preprocessor.outputs, preprocessor.widths)
    size = preprocessor.vocabulary
    return settle_vocabulary(layers, size) if size else layers


def settled_loss(experiment: Experiment, preprocessor: Preprocessor) -> Loss:
    """The loss of a config, once the data tells its classes and its heads."""
    widths = {name: part.outputs for part in preprocessor.each_target for name in part.names}
    loss = experiment.loss.settled(preprocessor.classes, preprocessor.class_counts)
    return loss.for_outputs(widths)


def _scores(experiment: Experiment, preprocessor: Preprocessor) -> tuple[Score, ...]:
    """The scores of the config, their metrics told the names of the classes."""
    classes = {
        part.name: part.classes for part in preprocessor.each_target if isinstance(part, Classes)
    }
    return tuple(
        score._replace(
            metric=score.metric.for_classes(classes.get(score.head, preprocessor.classes))
        )
        for score in scores(experiment.data, experiment.loss, experiment.metrics)
    )


def write_model(path: Path, model: Model, weights: Mapping[str, Array]) -> None:
    """Write `model` with these weights and buffers.

    No path, no name and no time goes into it, so that equal runs give equal bytes.
    """
    config = to_plain(model.experiment)
    if text := model.experiment.data.text:  # the ending of the path said so
        config["data"]["format"] = to_plain(text)
    config["name"] = config["data"]["path"] = ""
    del config["trainer"]["tensorboard"]  # nothing depends on it
    del config["plugins"]  # paths, too; what matters of them is said below
    for key in ("validation_path", "test_path"):
        if config["data"][key] is not None:
            config["data"][key] = ""
    facts: dict[str, Any] = {"config": config, "preprocessor": model.preprocessor.to_plain()}
    if plugins := used_by(model.experiment):
        facts["plugins"] = [plugin.facts() for plugin in plugins]
    write_archive(path, "model", weights, facts)


def read_model(path: Path) -> Model:
    """The model in a file that `write_model` wrote.

    Raises `ConfigError` where it needs plugins that were not named.
    """
    arrays, facts = read_archive(path, "model")
    try:
        require(facts.get("plugins", []), f"{path}: this model")
    except ValueError as error:
        raise damaged(path, str(error)) from None
    try:
        experiment = restore(facts["config"], "")
        preprocessor = Preprocessor.from_plain(facts["preprocessor"])
        _check_arrays(path, build_plan(experiment, preprocessor), arrays)
        model = build_model(experiment, preprocessor)
    except ConfigError as error:
        raise damaged(path, f"its config can not be used ({error.problems[0]})") from None
    except MachineError as error:
        why = str(error)
        raise error if why.startswith(str(path)) else MachineError(f"{path}: {why}") from None
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise damaged(path, f"its config can not be used ({error})") from None
    for name, view in named_vectors(model.network).items():
        np.copyto(view, arrays[name])
    return model


def confined(model: Model) -> Model:
    """The same, without the one path that a model file can name: labels stand beside the data."""
    data = model.experiment.data
    if not isinstance(data.format, Idx) or not data.format.labels:
        return model
    name = data.format.labels.replace("\\", "/").rpartition("/")[2]
    beside = replace(data, format=replace(data.format, labels=name or None))
    return replace(model, experiment=replace(model.experiment, data=beside))


def _check_arrays(path: Path, plan: Plan, arrays: Mapping[str, Array]) -> None:
    """Refuse arrays that are not those of the plan, before a network of its size is allocated."""
    wanted = {name: row.shape for name, row in plan.weights.items()}
    wanted |= {name: shape for name, (shape, _) in plan.buffers.items()}
    if arrays.keys() != wanted.keys():
        odd = sorted(arrays.keys() ^ wanted.keys())[0]
        raise damaged(path, f"{quoted(odd)} is not where the config says")
    for name, shape in wanted.items():
        found = arrays[name]
        if found.shape != shape or found.dtype != np.float32:
            what = f"{found.dtype.name} {found.shape}, the config says float32 {shape}"
            raise damaged(path, f"{quoted(name)} is {what}")


def named_vectors(network: Network) -> dict[str, Array]:
    """Views of all weights and buffers of a network, by name."""
    return {**network.store.weights, **network.store.buffers}
