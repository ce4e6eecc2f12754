"""Mutations: what `tests/fuzz.py` does to configs, model files and data files."""

from __future__ import annotations

import copy
import gzip
import hashlib
import json
import re
import struct
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from nntrain.config.experiment import Experiment
from nntrain.config.grammar import fields
from nntrain.families import Activation, Layer, Loss, Metric, Optimizer, Schedule
from tests.models.make import KINDS, Kind

NUMBERS = (
    "0", "-1", "1", "2", "0.5", "-0.0", "1e400", "-1e400", "1e-400", "1e308", ".nan", ".inf",
    "-.inf", "1e15", "2147483648", "4294967296", "9223372036854775807", "18446744073709551616",
    "1" + "0" * 30, "9" * 5000, "0x7fffffff", "017", "1_000", "12:30:45", "3.0",
)  # fmt: skip
WORDS = (
    "null", "true", "false", "~", "auto", "''", "[]", "{}", "[[]]", "no", "2026-01-01", "{type: }",
    "*a", "&a", "!!python/object:os.system", "<<", "..", "/", "/dev/null", "/dev/zero", "\u202e",
    "%s", "{0}", "a" * 3000, "é", "\u2028", "[1, 2, 3]", "[0, 0]", "{a: b}", "- - -", "? :", "|",
)  # fmt: skip
FAMILIES = (Activation, Layer, Loss, Metric, Optimizer, Schedule)
VALUES: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 2, 3.0, 0.5, -0.0, 1e308, 2**31, 2**63, 2**64, 10**30, "", "a",
    "auto", [], {}, [[]], [1, 2], ["a"], {"a": 1}, {"type": "dense"}, "\u202e\x1b[31m", "x" * 2000,
    [0, 0], [10**6, 10**6], 10**9, 10**12, "../../etc/passwd", {"type": "dense", "units": 10**9},
    "nan", "inf", "-inf",
)  # fmt: skip


def kinds() -> list[str]:
    return sorted(kind for family in FAMILIES for kind in family.kinds)


def bytes_of(rng: Random, content: bytes, others: Sequence[bytes]) -> bytes:
    """Some damage of the kinds that disks, networks and editors do."""
    out = bytearray(content)
    for _ in range(rng.choice((1, 1, 1, 2, 4, 16))):
        at = rng.randrange(len(out) + 1)
        match rng.randrange(9):
            case 0 if out:
                out[at % len(out)] ^= 1 << rng.randrange(8)
            case 1:
                del out[at:]
            case 2:
                del out[at : at + rng.choice((1, 4, 64, 512))]
            case 3:
                out[at:at] = rng.randbytes(rng.choice((1, 4, 64)))
            case 4:
                out[at:at] = out[at : at + rng.choice((1, 16, 256))] * rng.choice((1, 3, 30))
            case 5:
                other = rng.choice(others)
                begin = rng.randrange(len(other) + 1)
                out[at:] = other[begin:]
            case 6:
                out[at : at + 8] = rng.choice((b"\xff", b"\0", b"\x7f", b"9")) * 8
            case 7:
                out[at:at] = rng.choice((b"\r", b"\n", b"\0", b"\xef\xbb\xbf", b"\t", b'"', b","))
            case 8:
                size = rng.choice((1, 2, 4, 8))
                value = rng.choice((0, 1, 2**7, 2**8 - 1, 2**31, 2**63, 2**64 - 1))
                little = rng.choice(("little", "big"))
                number = (value % 256**size).to_bytes(size, little)
                out[at : at + size] = number
    return bytes(out[: 1 << 22])


LIKELY = (
    "0", "1", "2", "3", "5", "8", "16", "60", "64", "200", "1000", "3000",
    "0.0", "0.1", "0.5", "0.99", "1.0", "1.5", "3.0e-4", "1.0e30",
)  # fmt: skip


def config(rng: Random, texts: Sequence[bytes]) -> bytes:
    """A config with mistakes that people make, or that somebody makes on purpose."""
    content = rng.choice(texts)
    if rng.random() < 0.25:
        return bytes_of(rng, content, texts)
    text = content.decode("utf-8", errors="replace")
    if rng.random() < 0.4:  # what may well be right, so that all checks are reached
        for _ in range(rng.choice((1, 1, 2))):
            text = _with_another_number(rng, text)
        return text.encode()
    for _ in range(rng.choice((1, 1, 2, 3, 8))):
        text = _changed(rng, text, texts)
    return text.encode("utf-8", errors="replace")[: 3 << 20]


def _changed(rng: Random, text: str, texts: Sequence[bytes]) -> str:
    lines = text.splitlines(keepends=True) or [""]
    at = rng.randrange(len(lines))
    match rng.randrange(12):
        case 0 | 1 | 2:  # another value
            return _with_another_word(rng, text)
        case 3:  # a line twice, or left out
            lines[at : at + 1] = [lines[at]] * rng.choice((0, 2))
        case 4:  # another indentation
            lines[at] = rng.choice(("", " ", "  ", "\t", " " * 9)) + lines[at].lstrip()
        case 5:  # a line from elsewhere
            other = rng.choice(texts).decode("utf-8", errors="replace").splitlines(keepends=True)
            lines.insert(at, rng.choice(other or [""]))
        case 6:  # depth
            deep, (a, b) = rng.choice((9, 99, 3000, 100_000)), rng.choice(("[]", "{}", "[}"))
            lines.insert(at, f"x{at}: " + (a if b != "}" else "{a: ") * deep + b * deep + "\n")
        case 7:  # nested layers
            deep = rng.choice((2, 9, 30, 99))
            inner = "{type: residual, layers: [" * deep + "{type: relu}" + "]}" * deep
            lines.insert(at, f"  layers: [{inner}]\n")
        case 8:  # aliases of aliases
            wide, deep = rng.choice(((9, 9), (2, 30), (100, 3))), 0
            bomb = ["x0: &x0 [1, 1]\n"]
            for deep in range(1, wide[1] + 1):
                bomb.append(f"x{deep}: &x{deep} [{', '.join([f'*x{deep - 1}'] * wide[0])}]\n")
            lines[at:at] = [*bomb, f"metrics: *x{deep}\n"]
        case 9:  # many layers
            layer = "    - {type: dense, units: 9}\n" * rng.choice((10, 300))
            lines.insert(at, layer)
        case 10:  # size
            lines.insert(at, rng.choice(("#", "a: ", "- ", "'")) * rng.choice((10, 2000, 400_000)))
        case 11:
            lines[at] = lines[at].replace(":", rng.choice(("", "::", " :", "=", ": :")), 1)
    return "".join(lines)


def _with_another_word(rng: Random, text: str) -> str:
    marks = [i for i, c in enumerate(text) if c in " [{,:"]
    if not marks:
        return text
    begin = rng.choice(marks) + 1
    end = begin
    while end < len(text) and text[end] not in " ,]}:\n":
        end += 1
    pool = rng.choice((NUMBERS, WORDS, kinds(), list(fields(Experiment))))
    return text[:begin] + rng.choice(pool) + text[end:]


def _with_another_number(rng: Random, text: str) -> str:
    found = list(re.finditer(r"(?<=[ \[])-?\d[\d.e+-]*(?=[ ,\]}\n])", text))
    if not found:
        return text
    begin, end = rng.choice(found).span()
    return text[:begin] + rng.choice(LIKELY) + text[end:]


def archive(rng: Random, whole: Sequence[bytes]) -> bytes:
    """A model or checkpoint file with damage, or with lies that its checksums confirm."""
    content = rng.choice(whole)
    how = rng.random()
    if how < 0.3:
        return bytes_of(rng, content, whole)
    if how < 0.35:  # a header that lies about its length
        size = rng.choice((0, 1, 2**20, 2**31, 2**32, 2**62, 2**64 - 1, len(content)))
        return struct.pack("<Q", size) + content[8:]
    header, body = opened(content)
    if how < 0.5:
        _change_header(rng, header)
    else:
        known = json.loads(header["__metadata__"]["nntrain"])
        if how < 0.9:
            for _ in range(rng.choice((1, 1, 2, 4))):
                known["facts"] = changed_value(rng, known["facts"])
        else:
            body = change_array(rng, header, body, known)
        known["facts_sha256"] = facts_sha256(known["facts"])
        if how > 0.88:
            key = rng.choice(list(known))
            known[key] = rng.choice((None, 0, 2, 99, -1, 10**30, "x", [], {}, True, 1.5))
        header["__metadata__"]["nntrain"] = json.dumps(known, sort_keys=True)
    return closed(header, body)


def opened(content: bytes) -> tuple[dict[str, Any], bytes]:
    (size,) = struct.unpack("<Q", content[:8])
    return json.loads(content[8 : 8 + size]), content[8 + size :]


def closed(header: dict[str, Any], body: bytes) -> bytes:
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + body


def facts_sha256(facts: Any) -> str:
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def _change_header(rng: Random, header: dict[str, Any]) -> None:
    match rng.randrange(4):
        case 0:
            name = rng.choice(list(header))
            header[name] = changed_value(rng, header[name])
        case 1:
            deep = rng.choice((100, 900, 50_000))
            a, b = rng.choice((("[", "]"), ('{"a":', "}")))
            header["__metadata__"]["nntrain"] = a * deep + "0" + b * deep
        case 2:
            text = rng.choice(("", "null", "[]", "9" * 9999, "{}", '"' + "x" * 10**6 + '"', "NaN"))
            header["__metadata__"]["nntrain"] = text
        case 3:
            name = rng.choice([name for name in header if name != "__metadata__"])
            huge = rng.choice(([2**40], [2**63], [2**32, 2**32], [-1], [0], [], [1e3], ["nan"]))
            header[name]["shape"] = huge
            header[name]["dtype"] = rng.choice(("F32", "F64", "BF16", "I64", "BOOL", "F8_E5M2"))
            if rng.random() < 0.5:
                header[name]["data_offsets"] = rng.choice(([0, 2**40], [0, 0], [8, 0], [0, 2**63]))


def change_array(rng: Random, header: dict[str, Any], body: bytes, known: Any) -> bytes:
    """Another array under a name that is known, with a checksum that confirms it."""
    arrays = {}
    for name, row in header.items():
        if name != "__metadata__":
            begin, end = row["data_offsets"]
            dtype = {"F32": "<f4", "F64": "<f8"}[row["dtype"]]
            arrays[name] = np.frombuffer(body[begin:end], dtype).reshape(row["shape"])
    name = rng.choice(list(arrays))
    old = arrays[name]
    arrays[name] = rng.choice(
        (old * np.nan, old * np.inf, old.astype(np.float64), old.astype(np.int64), old[None],
         old.reshape(-1), old[:0], np.zeros((0, 2**40), np.float32), old.astype(np.float16),
         np.zeros(2**20, np.float32), old > 0, old.T)
    )  # fmt: skip
    if rng.random() < 0.2:
        arrays[rng.choice(("x", "", "__metadata__", "layers.0.W", "é" * 99))] = arrays.pop(name)
    types = {"<f4": "F32", "<f8": "F64", "<i8": "I64", "<f2": "F16", "|b1": "BOOL"}
    header_of_all, out = {"__metadata__": header["__metadata__"]}, b""
    for key, value in arrays.items():
        content = value.tobytes()
        place = [len(out), len(out) + len(content)]
        out += content
        row = {"dtype": types[value.dtype.str], "shape": value.shape, "data_offsets": place}
        header_of_all.setdefault(key, row)
        text = f"{value.dtype.str}{value.shape}".encode() + content
        known["sha256"][key] = hashlib.sha256(text).hexdigest()
    known["sha256"] = {key: known["sha256"][key] for key in arrays}
    header.clear()
    header.update(header_of_all)
    return out


def changed_value(rng: Random, value: Any) -> Any:
    """A tree of JSON with one thing in it changed."""
    tree = copy.deepcopy(value)
    at: Any = tree
    while isinstance(at, dict | list) and at:
        key: Any = rng.choice(list(at)) if isinstance(at, dict) else rng.randrange(len(at))
        if not isinstance(at[key], dict | list) or not at[key] or rng.random() < 0.15:
            match rng.randrange(8):
                case 0:
                    del at[key]
                case 1 if isinstance(at, dict):
                    at[rng.choice(("x", "type", "é"))] = at.pop(key)
                case 2 if isinstance(at, list):
                    at += [copy.deepcopy(at[key])] * rng.choice((1, 3, 50))
                case 3 if isinstance(at[key], str):
                    at[key] = rng.choice(kinds())
                case 4 if isinstance(at[key], int | float):
                    at[key] = at[key] * rng.choice((-1, 0, 2, 10**6, 10**12))
                case _:
                    at[key] = copy.deepcopy(rng.choice(VALUES))
            return tree
        at = at[key]
    return copy.deepcopy(rng.choice(VALUES))


def _saved(save: Callable[[Any, Any], None]) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        with path.open("wb") as file:
            save(file, np.random.default_rng(4).normal(size=(24, 3)))

    return write


def _idx(path: Path) -> None:
    images = np.random.default_rng(5).integers(0, 256, (24, 4, 4)).astype(np.uint8)
    content = bytes((0, 0, 8, 3)) + struct.pack(">3I", 24, 4, 4) + images.tobytes()
    if path.suffix == ".gz":
        content = gzip.compress(content, mtime=0)
    path.write_bytes(content)
    labels = path.name.replace("images", "labels").removesuffix(".gz")
    rows = bytes((0, 0, 8, 1)) + struct.pack(">I", 24) + bytes(i % 3 for i in range(24))
    path.with_name(labels).write_bytes(rows)


def _uncompressed(path: Path) -> None:
    x = np.random.default_rng(4).normal(size=(24, 3)).astype(np.float32)
    np.savez(path, x=x, y=np.array(["in", "out"] * 12))


def _plain_table(path: Path) -> None:
    rng = np.random.default_rng(6)
    rows = "\n".join(",".join(map(str, row)) for row in rng.normal(size=(30, 3)).round(3).tolist())
    path.write_text(f"a,b,y\n{rows}\n")


def _json_lines(path: Path) -> None:
    rng = np.random.default_rng(6)
    rows = rng.normal(size=(30, 3)).round(3).tolist()
    path.write_text("".join(json.dumps(dict(zip("aby", row, strict=True))) + "\n" for row in rows))


def _parquet(path: Path) -> None:
    import polars

    rows = np.random.default_rng(6).normal(size=(30, 3))
    polars.DataFrame(rows, schema=["a", "b", "y"]).write_parquet(path)


def _data(file: str, write: Callable[[Path], Any], more: str, loss: str = "cross_entropy") -> Kind:
    model = "model: {layers: [{type: dense, units: auto}]}"
    return Kind(file, write, f"data: {{path: {file}{more}}}\n{model}\nloss: {loss}\n")


MEAN = "mean_squared_error"
DATA: dict[str, Kind] = {
    **KINDS,
    "plain": _data("plain.csv", _plain_table, ", target: y", MEAN),
    "jsonl": _data("plain.jsonl", _json_lines, ", target: y", MEAN),
    "parquet": _data("plain.parquet", _parquet, ", target: y", MEAN),
    "npz": _data("plain.npz", _uncompressed, ", target: y"),
    "npy": _data("plain.npy", _saved(np.save), "", MEAN),
    "idx": _data("an-images.idx3", _idx, ", target: label"),
    "gz": _data(
        "a-images.idx3.gz", _idx, ", target: label, format: {type: idx, labels: a-labels.idx3}"
    ),
    "words": _data(
        "words.txt", KINDS["text"].write, ", format: {type: text, unit: words}, window: {length: 4}"
    ),
}


def data(rng: Random, content: bytes, others: Sequence[bytes]) -> bytes:
    """A data file with damage; of one that is text, with cells that are odd as well."""
    if rng.random() < 0.5 or b"\0" in content:
        return bytes_of(rng, content, others)
    text = content.decode("utf-8")
    for _ in range(rng.choice((1, 2, 5))):
        marks = [i for i, c in enumerate(text) if c in ",:\n"] or [0]
        begin = rng.choice(marks) + 1
        end = begin
        while end < len(text) and text[end] not in ",:\n":
            end += 1
        odd = ("nan", "inf", "-inf", "1e999", "", '"', '""', "\t", "?", "1,5", "9" * 400, "\u0663")
        pool = rng.choice((NUMBERS, WORDS, odd))
        text = text[:begin] + rng.choice(pool) + text[end:]
    return text.encode("utf-8", errors="replace")
