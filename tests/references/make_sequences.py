"""Writes PyTorch's numbers of layers for sequences, as `make.py` does for the rest.

Run by hand, in an environment that has torch:

    python tests/references/make_sequences.py

Weights are in our form (see the docstrings of the layers).  With lengths, recurrent layers ran on
packed sequences and attention with a `key_padding_mask`; gradients of padding are 0.
"""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np

Entries = dict[str, dict[str, Any]]
make: Any = importlib.import_module("make")  # beside this script

ROWS, STEPS, WIDTH, UNITS = 3, 4, 2, 2
LENGTHS = [2, 4, 1]
GATES = {"simple_rnn": 1, "gru": 3, "lstm": 4}


def transposed(p: Any) -> Any:
    return p.T


def as_it_is(p: Any) -> Any:
    return p


def of_n(p: Any) -> Any:
    return p[2 * UNITS :]


def recurrent(torch: Any) -> Entries:
    entries: Entries = {}
    rng = np.random.default_rng(11)
    for kind in GATES:
        for whole in (False, True):
            for both in (False, True):
                for lengths in (None, LENGTHS):
                    spec = {"type": kind, "units": UNITS, "return_sequences": whole,
                            "bidirectional": both}  # fmt: skip
                    words = [kind, "steps" if whole else "last", "both ways" if both else "one way"]
                    words += ["with lengths"] if lengths else []
                    entries[" ".join(words)] = one_recurrent(torch, rng, spec, lengths)
    return entries


def one_recurrent(
    torch: Any, rng: np.random.Generator, spec: dict[str, Any], lengths: list[int] | None
) -> dict[str, Any]:
    kind, both, whole = spec["type"], spec["bidirectional"], spec["return_sequences"]
    kinds = {"simple_rnn": torch.nn.RNN, "gru": torch.nn.GRU, "lstm": torch.nn.LSTM}
    module = kinds[kind](WIDTH, UNITS, batch_first=True, bidirectional=both)
    weights: dict[str, Any] = {}
    places = {}  # our name: the parameter, and how to see it in our form
    for direction, suffix in {"forward": "", "backward": "_reverse"}.items():
        if direction == "backward" and not both:
            continue
        start = f"{direction}." if both else ""
        w, u, b, c = (
            getattr(module, f"{name}_l0{suffix}")
            for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        )
        places[f"{start}W"] = (w, transposed)
        places[f"{start}U"] = (u, transposed)
        places[f"{start}b"] = (b, as_it_is)
        torch.nn.init.zeros_(c)
        if kind == "gru":
            places[f"{start}c"] = (c, of_n)
    for name, (parameter, seen) in places.items():
        weights[name] = make.draw(rng, *seen(parameter.data).shape)
        seen(parameter.data)[...] = torch.tensor(weights[name])

    given = {"x": make.draw(rng, ROWS, STEPS, WIDTH)}
    x = torch.tensor(given["x"], requires_grad=True)
    if lengths:
        pack, unpack = (
            torch.nn.utils.rnn.pack_padded_sequence,
            torch.nn.utils.rnn.pad_packed_sequence,
        )
        output, last = module(pack(x, lengths, batch_first=True, enforce_sorted=False))
        output, _ = unpack(output, batch_first=True, total_length=STEPS)
    else:
        output, last = module(x)
    last = last[0] if kind == "lstm" else last  # (directions, N, H)
    y = output if whole else torch.cat(list(last), dim=-1)
    given["dy"] = make.draw(rng, *y.shape)
    y.backward(torch.tensor(given["dy"]))
    gradients = {name: seen(p.grad).tolist() for name, (p, seen) in places.items()}
    return {
        "spec": spec, **given, "lengths": lengths, "weights": weights, "gradients": gradients,
        "y": y.tolist(), "dx": x.grad.tolist(),
    }  # fmt: skip


def attention(torch: Any) -> Entries:
    entries: Entries = {}
    rng = np.random.default_rng(12)
    for causal in (False, True):
        for lengths in (None, LENGTHS):
            words = ["attention", *["causal"] * causal, *["with lengths"] * bool(lengths)]
            entries[" ".join(words)] = one_attention(torch, rng, causal, lengths)
    return entries


def one_attention(
    torch: Any, rng: np.random.Generator, causal: bool, lengths: list[int] | None
) -> dict[str, Any]:
    d = 4
    module = torch.nn.MultiheadAttention(d, 2, batch_first=True)
    places = {
        "W": (module.in_proj_weight, transposed),
        "b": (module.in_proj_bias, as_it_is),
        "W_o": (module.out_proj.weight, transposed),
        "b_o": (module.out_proj.bias, as_it_is),
    }
    weights = {}
    for name, (parameter, seen) in places.items():
        weights[name] = make.draw(rng, *seen(parameter.data).shape)
        seen(parameter.data)[...] = torch.tensor(weights[name])
    given = {"x": make.draw(rng, ROWS, STEPS, d), "dy": make.draw(rng, ROWS, STEPS, d)}
    x = torch.tensor(given["x"], requires_grad=True)
    padding = torch.arange(STEPS) >= torch.tensor(lengths or [STEPS] * ROWS)[:, None]
    later = torch.triu(torch.ones(STEPS, STEPS, dtype=torch.bool), 1) if causal else None
    y, _ = module(x, x, x, key_padding_mask=padding if lengths else None, attn_mask=later)
    y = y.masked_fill(padding[..., None], 0.0)
    y.backward(torch.tensor(given["dy"]))
    return {
        "spec": {"type": "multi_head_attention", "heads": 2, "causal": causal},
        **given, "lengths": lengths, "weights": weights, "y": y.tolist(), "dx": x.grad.tolist(),
        "gradients": {name: seen(p.grad).tolist() for name, (p, seen) in places.items()},
    }  # fmt: skip


if __name__ == "__main__":
    torch: Any = importlib.import_module("torch")
    torch.set_default_dtype(torch.float64)
    make.write("pytorch-sequences", {**recurrent(torch), **attention(torch)})
