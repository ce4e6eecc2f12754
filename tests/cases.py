"""The table of kinds, which every contract test runs over: a new kind is one line here.

Below the table stands what the contract tests measure with.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import MISSING, Field, fields
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

from nntrain.augmentations import (
    Brightness,
    Cutmix,
    Cutout,
    Flip,
    Mixup,
    Noise,
    Rotate,
    Scale,
    Shift,
    TimeShift,
    Zoom,
)
from nntrain.averaging import Ema, Swa
from nntrain.families import (
    Activation,
    Array,
    Augmentation,
    Averaging,
    Family,
    Initializer,
    Layer,
    Loss,
    Metric,
    Optimizer,
    Schedule,
    Shape,
    Task,
)
from nntrain.heads import Heads
from nntrain.initializers import Constant as ConstantValue
from nntrain.initializers import (
    GlorotNormal,
    GlorotUniform,
    HeNormal,
    HeUniform,
    LecunNormal,
    LecunUniform,
    Normal,
    Ones,
    Orthogonal,
    TruncatedNormal,
    Uniform,
    UnitForget,
    Zeros,
)
from nntrain.layers import (
    ActivationLayer,
    AveragePool1d,
    AveragePool2d,
    BatchNorm,
    Conv1d,
    Conv2d,
    Conv2dTranspose,
    Dense,
    DropConnect,
    Dropout,
    Elu,
    Embedding,
    Flatten,
    GaussianNoise,
    Gelu,
    GlobalAveragePool1d,
    GlobalAveragePool2d,
    GlobalMaxPool1d,
    GlobalMaxPool2d,
    Graph,
    GroupNorm,
    Gru,
    HardSigmoid,
    Identity,
    InstanceNorm,
    LayerNorm,
    LeakyRelu,
    LogSoftmax,
    Lstm,
    MaxPool1d,
    MaxPool2d,
    Mish,
    MultiHeadAttention,
    Permute,
    PositionalEncoding,
    Prelu,
    Relu,
    Reshape,
    Residual,
    RmsNorm,
    Selu,
    Sigmoid,
    Silu,
    SimpleRnn,
    Softmax,
    Softplus,
    Softsign,
    Tanh,
    Upsample2d,
    ZeroPadding2d,
)
from nntrain.layers.wiring import GraphNode
from nntrain.losses import (
    BinaryCrossEntropy,
    CosineSimilarity,
    CrossEntropy,
    EuclideanDistance,
    Focal,
    Hinge,
    Huber,
    KlDivergence,
    LogCosh,
    MeanAbsoluteError,
    MeanSquaredError,
    Poisson,
    Quantile,
    WeightedSum,
)
from nntrain.metrics import (
    F1,
    R2,
    Accuracy,
    AveragePrecision,
    BalancedAccuracy,
    BitsPerCharacter,
    Brier,
    CalibrationError,
    ExplainedVariance,
    F1Macro,
    F1Micro,
    F1Weighted,
    LogLoss,
    Mae,
    Mape,
    Matthews,
    Mse,
    Perplexity,
    Precision,
    PrecisionMacro,
    PrecisionMicro,
    PrecisionWeighted,
    Recall,
    RecallMacro,
    RecallMicro,
    RecallWeighted,
    Rmse,
    RocAuc,
    TopK,
)  # fmt: skip
from nntrain.optimizers import (
    Adadelta,
    Adagrad,
    Adam,
    Adamax,
    Amsgrad,
    Lion,
    Nadam,
    Radam,
    Rmsprop,
    Rprop,
    Sgd,
)
from nntrain.schedules import (
    Constant,
    Cosine,
    CosineRestarts,
    Cyclic,
    Exponential,
    InverseSqrt,
    InverseTime,
    Linear,
    MultiStep,
    Noam,
    OneCycle,
    Plateau,
    Polynomial,
    Step,
)

F = TypeVar("F", bound=Family)


class LayerCase(NamedTuple):
    """A layer, and the shape of its input without the batch axis."""

    layer: Layer
    shape: Shape

    def __str__(self) -> str:
        return f"{label(self.layer)} {self.shape}"


DIAMOND = Graph(
    nodes={
        "left": GraphNode("input", layers=(Dense(2, activation=Tanh()), Dropout(0.3))),
        "right": GraphNode("input", layers=(Dense(2),)),
        "product": GraphNode(("left", "right", "left"), combine="multiply"),
        "sum": GraphNode(("left", "product", "right"), combine="add", layers=(Dense(3),)),
        "all": GraphNode(("input", "sum", "left"), combine="concatenate"),
    },
    outputs=("sum", "all"),
)
SIAMESE = Graph(
    nodes={
        "one": GraphNode("input", layers=(Dense(3, activation=Tanh()),)),
        "two": GraphNode("one", share="one"),
        "both": GraphNode(("two", "one"), combine="concatenate", share="head"),
        "head": GraphNode(("one", "two"), combine="concatenate", layers=(Dense(2),)),
    },
    outputs=("head", "both"),
)
LAYERS = (
    LayerCase(Dense(4), (3,)),
    LayerCase(Dense(4, activation=Tanh(), bias_initializer=LecunNormal()), (2, 3)),
    LayerCase(Dense(2, activation=Softmax()), (1,)),
    LayerCase(Dense(4, activation=Prelu(), use_bias=False), (2, 3)),
    LayerCase(Dropout(0.4), (7,)),
    LayerCase(Dropout(0.75), (2, 3)),
    LayerCase(ActivationLayer(Relu()), (5,)),
    LayerCase(Flatten(), (2, 3)),
    LayerCase(Embedding(3, 2), (4,)),
    LayerCase(PositionalEncoding(), (4, 3)),
    LayerCase(PositionalEncoding(learned=True), (4, 2)),
    LayerCase(MultiHeadAttention(2), (3, 4)),
    LayerCase(
        MultiHeadAttention(2, key_dim=3, causal=True, bias_initializer=LecunNormal()), (4, 2)
    ),
    LayerCase(SimpleRnn(3), (4, 2)),
    LayerCase(SimpleRnn(2, return_sequences=True, bidirectional=True), (3, 2)),
    LayerCase(Gru(3, bias_initializer=LecunNormal()), (4, 2)),
    LayerCase(Gru(2, return_sequences=True, bidirectional=True), (3, 2)),
    LayerCase(Lstm(3), (4, 2)),
    LayerCase(Lstm(2, return_sequences=True, bidirectional=True), (3, 2)),
    LayerCase(Lstm(2, bidirectional=True, bias_initializer=LecunNormal()), (3, 1)),
    LayerCase(Residual((Dense(3, activation=Tanh()), Dense(3))), (3,)),
    LayerCase(Residual((Dense(4, activation=Tanh()),), activation=Sigmoid()), (2, 3)),
    LayerCase(Residual((Dense(2), Dropout(0.3)), repeat=3, activation=Tanh()), (3,)),
    LayerCase(Residual((Flatten(),)), (3,)),
    LayerCase(Graph({"a": GraphNode("input", layers=(Dense(2),))}, "a"), (3,)),
    LayerCase(DIAMOND, (3,)),
    LayerCase(SIAMESE, (2, 3)),
    LayerCase(Reshape((3, -1)), (2, 6)),
    LayerCase(Reshape((4,)), (2, 2)),
    LayerCase(Permute((2, 1)), (2, 3)),
    LayerCase(Permute((3, 1, 2)), (2, 3, 4)),
    LayerCase(ZeroPadding2d((1, 2)), (2, 3, 2)),
    LayerCase(Upsample2d((2, 3)), (2, 3, 2)),
    LayerCase(Upsample2d(2, interpolation="bilinear"), (1, 3, 2)),
    LayerCase(DropConnect(3, rate=0.4), (4,)),
    LayerCase(DropConnect(3, activation=Tanh(), rate=0.0), (2, 4)),
    LayerCase(DropConnect(2, rate=0.4, use_bias=False), (3,)),
    LayerCase(GaussianNoise(0.3), (3,)),
    LayerCase(GaussianNoise(0.3), (4, 3)),
    LayerCase(BatchNorm(), (3,)),
    LayerCase(BatchNorm(momentum=0.5, eps=0.1), (2, 3, 2)),
    LayerCase(LayerNorm(), (4,)),
    LayerCase(LayerNorm(eps=0.1), (2, 3)),
    LayerCase(RmsNorm(), (4,)),
    LayerCase(InstanceNorm(eps=0.1), (3, 2)),
    LayerCase(InstanceNorm(), (2, 3, 2)),
    LayerCase(GroupNorm(2), (2, 3, 4)),
    LayerCase(GroupNorm(2, eps=0.1), (4,)),
    LayerCase(Conv2d(3, 3), (4, 5, 2)),
    LayerCase(Conv2d(2, 3, padding="same", activation=Tanh()), (4, 3, 1)),
    LayerCase(Conv2d(2, (2, 3), strides=(2, 1), padding="same"), (5, 4, 2)),
    LayerCase(Conv2d(2, (3, 2), strides=2, dilation_rate=(1, 2), padding="reflect"), (5, 4, 2)),
    LayerCase(Conv2d(2, 2, strides=3, use_bias=False), (6, 4, 2)),
    LayerCase(Conv2d(2, 1, activation=Softmax()), (2, 3, 2)),
    LayerCase(Conv1d(3, 3), (5, 2)),
    LayerCase(Conv1d(2, 2, strides=2, padding="same", use_bias=False), (5, 1)),
    LayerCase(Conv1d(2, 3, dilation_rate=2, padding="causal", activation=Tanh()), (4, 2)),
    LayerCase(Conv1d(2, 4, padding="reflect"), (5, 2)),
    LayerCase(Conv1d(2, 3, strides=2, dilation_rate=2, padding="reflect"), (6, 1)),
    LayerCase(Conv2dTranspose(2, 3), (2, 3, 2)),
    LayerCase(Conv2dTranspose(2, (2, 3), strides=2, dilation_rate=(2, 1)), (2, 3, 1)),
    LayerCase(Conv2dTranspose(2, 3, strides=2, padding="same", activation=Tanh()), (2, 3, 1)),
    LayerCase(Conv2dTranspose(1, (1, 2), strides=(2, 3), use_bias=False), (3, 2, 2)),
    LayerCase(MaxPool2d(), (4, 6, 2)),
    LayerCase(MaxPool2d(), (5, 3, 2)),
    LayerCase(MaxPool2d((3, 2), strides=(2, 1), padding="same"), (4, 3, 2)),
    LayerCase(MaxPool1d(), (5, 2)),
    LayerCase(MaxPool1d(3, strides=2, padding="same"), (6, 1)),
    LayerCase(AveragePool2d(), (4, 5, 2)),
    LayerCase(AveragePool2d(3, strides=2, padding="same"), (4, 5, 2)),
    LayerCase(AveragePool1d(3, strides=1), (5, 2)),
    LayerCase(AveragePool1d(padding="same"), (5, 2)),
    LayerCase(GlobalMaxPool2d(), (2, 3, 2)),
    LayerCase(GlobalMaxPool1d(), (3, 2)),
    LayerCase(GlobalAveragePool2d(), (2, 3, 2)),
    LayerCase(GlobalAveragePool1d(), (3, 2)),
)
ACTIVATIONS: tuple[Activation, ...] = (
    Identity(), Relu(), Elu(), Elu(alpha=0.3), Sigmoid(), Tanh(), Softmax(), HardSigmoid(),
    Softsign(), LogSoftmax(), LeakyRelu(), LeakyRelu(negative_slope=0.3), Prelu(), Selu(),
    Softplus(), Silu(), Mish(), Gelu(), Gelu(approximate=True),
)  # fmt: skip
LOSSES: tuple[Loss, ...] = (
    MeanSquaredError(), CrossEntropy(), BinaryCrossEntropy(), MeanAbsoluteError(), Huber(),
    Huber(delta=0.3), LogCosh(), Quantile(), Quantile(q=0.9), EuclideanDistance(),
    CosineSimilarity(), Poisson(), KlDivergence(), KlDivergence(label_smoothing=0.2),
    CrossEntropy(label_smoothing=0.1), BinaryCrossEntropy(label_smoothing=0.1), Focal(),
    Focal(gamma=0.5), Hinge(), Hinge(margin=0.5, squared=True),
    WeightedSum((MeanSquaredError(), MeanAbsoluteError()), weights=(0.3, 2.0)),
    WeightedSum((CrossEntropy(), Focal(), Hinge())),
    Heads(
        losses={"a": CrossEntropy(), "b": MeanSquaredError(), "c": BinaryCrossEntropy()},
        weights={"a": 0.5, "c": 2.0},
    ).for_outputs({"a": 4, "b": 1, "c": 1}),
)  # fmt: skip
OPTIMIZERS: tuple[Optimizer, ...] = (
    Sgd(),
    Sgd(momentum=0.9),
    Sgd(momentum=0.9, nesterov=True),
    Sgd(weight_decay=0.1),
    Adam(),
    Adam(betas=(0.8, 0.95), eps=0.01),
    Adam(weight_decay=0.1),
    Amsgrad(),
    Adamax(),
    Nadam(),
    Radam(),
    Adagrad(),
    Adadelta(),
    Rmsprop(),
    Rmsprop(momentum=0.9),
    Rmsprop(momentum=0.5, centered=True),
    Lion(),
    Rprop(),
)
SCHEDULES: tuple[Schedule, ...] = (
    Constant(),
    Constant(warmup_epochs=2.5),
    Step(every_epochs=3, drop=0.5),
    Exponential(decay=0.9),
    Cosine(),
    Cosine(floor=0.1, warmup_epochs=1.0),
    MultiStep(milestones=(2, 5), drop=0.5),
    InverseTime(decay=0.5),
    Polynomial(),
    Polynomial(power=0.5, floor=0.1),
    Linear(),
    Linear(floor=0.1),
    CosineRestarts(first_epochs=2),
    CosineRestarts(first_epochs=3, t_mult=1, floor=0.1),
    OneCycle(),
    OneCycle(rise=0.5, start=0.2, end=0.1),
    Cyclic(cycle_epochs=3),
    InverseSqrt(),
    InverseSqrt(timescale_epochs=2.5, warmup_epochs=2.5),
    Noam(),
    Noam(warmup_epochs=2.5),
    Plateau(),
)
AVERAGINGS: tuple[Averaging, ...] = (Ema(), Ema(decay=0.9, warmup=False), Swa(start_epoch=2))
CLASSES = ("ant", "bee", "cow", "dog")
METRICS: tuple[Metric, ...] = (
    Accuracy(), TopK(k=1), TopK(k=2), LogLoss(), Brier(), CalibrationError(),
    CalibrationError(bins=4), BalancedAccuracy(), Matthews(),
    *(kind(positive="bee").for_classes(CLASSES) for kind in (Precision, Recall, F1)),
    PrecisionMacro(), RecallMacro(), F1Macro(), PrecisionMicro(), RecallMicro(), F1Micro(),
    PrecisionWeighted(), RecallWeighted(), F1Weighted(), RocAuc(), AveragePrecision(),
    Perplexity(), BitsPerCharacter(),
    Mae(), Mse(), Rmse(), Mape(), R2(), ExplainedVariance(),
)  # fmt: skip
INITIALIZERS: tuple[Initializer, ...] = (
    Zeros(), Ones(), GlorotUniform(), GlorotNormal(), HeUniform(), HeNormal(), LecunUniform(),
    LecunNormal(), UnitForget(),
    LecunNormal(), ConstantValue(0.3), Uniform(), Uniform(low=0.5, high=2.0), Normal(),
    Normal(mean=1.0, stddev=0.5), TruncatedNormal(), TruncatedNormal(mean=-1.0, stddev=2.0),
    Orthogonal(), Orthogonal(gain=1.5),
)  # fmt: skip


class AugmentationCase(NamedTuple):
    """An augmentation, and the shape of a row."""

    augmentation: Augmentation
    shape: Shape


AUGMENTATIONS = [
    AugmentationCase(Shift(), (7, 6, 2)),
    AugmentationCase(Shift(4), (5, 9, 1)),
    AugmentationCase(Flip(), (4, 5, 3)),
    AugmentationCase(Flip("both"), (4, 5, 1)),
    AugmentationCase(Rotate(), (6, 6, 2)),
    AugmentationCase(Rotate(180.0), (5, 8, 1)),
    AugmentationCase(Zoom(), (6, 7, 2)),
    AugmentationCase(Brightness(), (4, 4, 3)),
    AugmentationCase(Noise(), (4, 4, 3)),
    AugmentationCase(Noise(0.5), (9, 3)),
    AugmentationCase(Cutout(3), (8, 7, 2)),
    AugmentationCase(Scale(), (9, 3)),
    AugmentationCase(TimeShift(), (9, 3)),
    AugmentationCase(TimeShift(20), (9, 2)),
    AugmentationCase(Mixup(), (5,)),
    AugmentationCase(Mixup(2.0), (4, 4, 2)),
    AugmentationCase(Cutmix(), (8, 9, 2)),
]

TABLE: dict[type[Family], Sequence[Family]] = {
    Layer: [case.layer for case in LAYERS],
    Activation: ACTIVATIONS,
    Loss: LOSSES,
    Optimizer: OPTIMIZERS,
    Schedule: SCHEDULES,
    Averaging: AVERAGINGS,
    Metric: METRICS,
    Initializer: INITIALIZERS,
    Augmentation: [case.augmentation for case in AUGMENTATIONS],
}


def label(kind: Family) -> str:
    """Its type and the fields that are not the default."""
    words = [kind.kind]
    for field in fields(kind):  # type: ignore[arg-type]
        value = getattr(kind, field.name)
        if value != _default(field):
            shown = label(value) if isinstance(value, Family) else value
            words.append(f"{field.name}={shown}")
    return " ".join(words)


def _default(field: Field[Any]) -> object:
    return field.default if field.default_factory is MISSING else field.default_factory()


def over(name: str, cases: Iterable[Any]) -> pytest.MarkDecorator:
    """The test runs once for each of the cases."""
    cases = list(cases)
    ids = [label(case) if isinstance(case, Family) else str(case) for case in cases]
    return pytest.mark.parametrize(name, cases, ids=ids)


quick = settings(
    max_examples=50,
    deadline=None,
    derandomize=True,
    # tests/mutants.py runs a method in one process again and again, each time with a new `self`
    suppress_health_check=[HealthCheck.differing_executors],
)


def unregistered(kind: type[F]) -> type[F]:
    """A kind for one test, which no config can name."""
    del kind.kinds[kind.kind]
    return kind


@cache
def reference(library: str, start: str = "") -> dict[str, Any]:
    """The entries whose name begins so, as the scripts in `references/` wrote them.

    `pytorch.json` and every `pytorch-*.json` beside it.
    """
    folder = Path(__file__).with_name("references")
    files = [folder / f"{library}.json", *sorted(folder.glob(f"{library}-*.json"))]
    entries = {k: v for file in files for k, v in json.loads(file.read_text("utf-8")).items()}
    return {name: entry for name, entry in entries.items() if name.startswith(start)}


def from_spec(family: type[F], spec: dict[str, Any]) -> F:
    """The kind that the plain form of a reference names."""
    options = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in spec.items()
        if name != "type"
    }
    kind: Callable[..., Any] = family.kinds[spec["type"]]
    made = kind(**options)
    assert isinstance(made, family)
    return made


def inputs(shape: Shape, rows: int = 5, seed: int = 1) -> Array:
    """Numbers (rows, *shape) that are at least 0.1 away from 0, where relu and elu have a kink."""
    rng = np.random.default_rng(seed)
    size = rng.uniform(0.1, 2.0, (rows, *shape))
    signed: Array = size * rng.choice([-1.0, 1.0], size.shape)
    return signed


def example(task: Task, rows: int = 7, seed: int = 2) -> tuple[Array, Array]:
    """Predictions as a network gives them, and targets, for a loss of this task."""
    rng = np.random.default_rng(seed)
    if task == "classes":
        return rng.normal(size=(rows, 4)), rng.integers(0, 4, rows)
    if task == "binary":
        return rng.normal(size=(rows, 2)), rng.integers(0, 2, (rows, 2)).astype(np.float64)
    if task == "heads":  # a class of four, a number, one of two classes
        target = rng.integers(0, 4, rows), rng.normal(size=rows), rng.integers(0, 2, rows)
        return rng.normal(size=(rows, 6)), np.stack(target, axis=1)
    return rng.normal(size=(rows, 3)), rng.normal(size=(rows, 3))


def example_of(loss: Loss, rows: int = 7, seed: int = 2) -> tuple[Array, Array]:
    """Predictions, and targets that this loss takes."""
    prediction, target = example(loss.task, rows, seed)
    if isinstance(loss, Poisson):
        target = np.floor(np.exp(target))
    elif isinstance(loss, KlDivergence):
        target = np.exp(target)
        target[::2, 0] = 0.0
        target /= target.sum(axis=1, keepdims=True)
    return prediction, target


def finite_differences(function: Callable[[], float], at: Array, step: float = 1e-5) -> Array:
    """The derivative of `function()` by each number of `at`, which it reads."""
    slope = np.empty_like(at)
    for place in np.ndindex(at.shape):
        here = at[place]
        at[place] = here + step
        above = function()
        at[place] = here - step
        below = function()
        at[place] = here
        slope[place] = (above - below) / (2 * step)
    return slope


def assert_same_slope(found: Array, expected: Array) -> None:
    """Within a relative 1e-6; differences of numbers near 1 are only known to about 1e-10."""
    size = max(np.abs(found).max(), np.abs(expected).max())
    assert np.abs(found - expected).max() <= 1e-6 * size + 1e-9


def protected(values: Array) -> Array:
    """A copy that raises when somebody writes into it."""
    copy = values.copy()
    copy.flags.writeable = False
    return copy


class Single(np.ndarray[Any, Any]):
    """A float32 array that raises where it meets a float64 or would become one."""

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        outputs = kwargs.get("out", ())
        for operand in (*inputs, *outputs):
            assert getattr(operand, "dtype", None) != np.float64, f"{ufunc.__name__} of a float64"
        if outputs:
            kwargs["out"] = tuple(map(_plain, outputs))
        if "where" in kwargs:
            kwargs["where"] = _plain(kwargs["where"])
        result = getattr(ufunc, method)(*map(_plain, inputs), **kwargs)
        assert getattr(result, "dtype", None) != np.float64, f"{ufunc.__name__} makes a float64"
        return result.view(Single) if isinstance(result, np.ndarray) else result


def _plain(operand: Any) -> Any:
    return operand.view(np.ndarray) if isinstance(operand, Single) else operand


def single(values: Array) -> Array:
    """The same numbers in float32, on watch; whole numbers stay what they are."""
    return values.astype(np.float32).view(Single) if values.dtype.kind == "f" else values
