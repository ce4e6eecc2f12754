"""Survey: one look at all bytes of a file, which finds the blocks of whole lines."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from nntrain.data.quick import count
from nntrain.values import dataclass

BLOCK_BYTES = 1 << 23  # of the file that are converted at a time
LONGEST = 4  # blocks that a line may fill, else the reader looks at it

Told = Callable[[int, int], None]
"""Called with the bytes that are done and the bytes that there are."""


class Block(NamedTuple):
    """A part of a file, whole lines: its bytes, and where its rows stand in the table.

    file: which of several files.
    """

    first_byte: int
    last_byte: int
    row: int
    rows: int
    file: int = 0


@dataclass
class Survey:
    """What one look at all bytes tells: their SHA-256 and, where lines are rows, the blocks."""

    sha256: str
    blocks: list[Block]
    begins: int  # the byte after the header
    quick: bool  # whether lines are rows as far as their bytes tell


def survey(path: Path, begins: int, told: Told, file: int = 0, row: int = 0) -> Survey:
    """Read all bytes once; `begins` is the first one after the header.

    file, row: which one of several it is, and the rows of those before it.
    """
    digest, total = hashlib.sha256(), path.stat().st_size
    blocks: list[Block] = []
    rows, first, at, quotes = row, begins, 0, False
    with path.open("rb") as stream:
        while piece := stream.read(BLOCK_BYTES):
            digest.update(piece)
            body = piece[begins - at :] if at < begins else piece
            quotes = quotes or b'"' in body
            if (end := body.rfind(b"\n") + 1) and not quotes:
                new, last = count(body, b"\n"), at + len(piece) - len(body) + end
                blocks.append(Block(first, last, rows, new, file))
                rows, first = rows + new, last
            at += len(piece)
            told(at, total)
    if first < at:  # the last line does not end
        blocks.append(Block(first, at, rows, 1, file))
    longest = max((block.last_byte - block.first_byte for block in blocks), default=0)
    plain = not quotes and longest < LONGEST * BLOCK_BYTES and path.suffix != ".gz"
    return Survey(digest.hexdigest(), blocks, begins, plain)
