"""Graph: the nodes of an ONNX model while it is being put together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

from nntrain.data.extras import extra
from nntrain.families import Array, Shape

OPSET = 21  # of ai.onnx: the newest that runtimes of the last two years know
OPSET_ML = 5  # of ai.onnx.ml
IR_VERSION = 10  # the one that came with this opset
STEPS = "steps"  # the name of the axis of time, where it may have any length


def library(module: str = "onnx") -> Any:
    """The `onnx` package, or one of its modules."""
    return extra(module, "onnx", "onnx", "ONNX files are written")


class Value(NamedTuple):
    """What flows from node to node.   shape: without the batch axis."""

    name: str
    shape: Shape


class Graph:
    """Collects nodes, constants, inputs and outputs; `at` follows the paths of the store.

    weights: of the network, by name.
    any_length: whether axis 1 of sequences has the length that a batch brings along.
    """

    def __init__(self, weights: Mapping[str, Array], *, any_length: bool = False):
        self.weights, self.any_length = weights, any_length
        self.path = ""
        self.columns: Mapping[str, slice] = {}  # of the table, on the last axis of what comes in
        self._onnx, self._helper = library(), library("onnx.helper")
        self._nodes: list[Any] = []
        self._constants: dict[str, Any] = {}
        self._inputs: list[Any] = []
        self._outputs: list[Any] = []
        self._count = 0

    @contextmanager
    def at(self, name: str) -> Iterator[None]:
        """Inside, weights are those of the layer `name` below the present one."""
        before = self.path
        self.path = f"{before}.{name}" if before else name
        try:
            yield
        finally:
            self.path = before

    def own(self, name: str) -> Array:
        """A weight or buffer of the present layer."""
        return self.weights[f"{self.path}.{name}"]

    def has(self, name: str) -> bool:
        return f"{self.path}.{name}" in self.weights

    def constant(self, value: Any, dtype: Any = np.float32) -> str:
        """An array, a number or a list of texts that is part of the model; its name."""
        self._count += 1
        name = f"{self.path or 'model'}/constant.{self._count}"
        array = np.asarray(value, dtype=dtype)
        if array.dtype.kind in "OU":
            texts = [str(text).encode() for text in array.ravel().tolist()]
            kind = self._onnx.TensorProto.STRING
            self._constants[name] = self._helper.make_tensor(name, kind, array.shape, texts)
        else:
            array = np.ascontiguousarray(array).reshape(array.shape)
            self._constants[name] = library("onnx.numpy_helper").from_array(array, name)
        return name

    def __call__(self, op: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        """One node with one output; its name."""
        return self.several(op, inputs, 1, domain=domain, **attributes)[0]

    def several(
        self, op: str, inputs: Sequence[str], outputs: int, *, domain: str = "", **attributes: Any
    ) -> list[str]:
        """One node with several outputs."""
        self._count += 1
        name = f"{self.path or 'model'}/{op}.{self._count}"
        names = [name, *(f"{name}:{i}" for i in range(1, outputs))]
        node = self._helper.make_node(op, inputs, names, name=name, domain=domain, **attributes)
        self._nodes.append(node)
        return names

    def input(self, name: str, dtype: Any, shape: Sequence[int | str], about: str = "") -> str:
        self._inputs.append(self._declared(name, dtype, shape, about))
        return name

    def output(
        self, value: str, name: str, dtype: Any, shape: Sequence[int | str], about: str = ""
    ) -> None:
        self._nodes.append(self._helper.make_node("Identity", [value], [name], name=f"{name}/out"))
        self._outputs.append(self._declared(name, dtype, shape, about))

    def _declared(self, name: str, dtype: Any, shape: Sequence[int | str], about: str) -> Any:
        return self._helper.make_tensor_value_info(
            name, self._helper.np_dtype_to_tensor_dtype(np.dtype(dtype)), shape, about
        )

    def reshaped(self, x: str, shape: Sequence[int]) -> str:
        """0 keeps an axis, -1 is what is left over."""
        return self("Reshape", x, self.constant(shape, np.int64))

    def model(self, name: str, facts: Mapping[str, str], about: str, version: str) -> Any:
        """The whole as a `ModelProto`."""
        graph = self._helper.make_graph(
            self._nodes, name, self._inputs, self._outputs, [*self._constants.values()], about
        )
        opsets = [
            self._helper.make_opsetid("", OPSET),
            self._helper.make_opsetid("ai.onnx.ml", OPSET_ML),
        ]
        model = self._helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION)
        model.producer_name, model.producer_version = "nntrain", version
        self._helper.set_model_props(model, dict(facts))
        return model
