"""Event files as TensorBoard reads them: records of protocol buffers, each with its checksum.

Written at once, in order, by the training itself, so that a disk that is full is an `OSError` here
and not in another thread.  tensorboardX has the protocol buffers and the checksum.
"""

from __future__ import annotations

import struct
import time
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from nntrain.data.extras import extra
from nntrain.families import Array

BINS = 30


def protocol() -> tuple[Any, Any, Any]:
    """The protocol buffers of events and of summaries, and the checksum of a record."""
    what = "`trainer.tensorboard`: event files are written"
    events, summaries, records = (
        extra(f"tensorboardX.{module}", "tensorboardX", "tensorboard", what)
        for module in ("proto.event_pb2", "proto.summary_pb2", "record_writer")
    )
    return events, summaries, records.masked_crc32c


class EventFile:
    """One more file in a folder of event files.

    after: what earlier files say of later steps counts no more.
    """

    def __init__(self, folder: Path, after: int):
        self._events, self._summaries, self._checksum = protocol()
        folder.mkdir(exist_ok=True)
        number = 1 + max((int(p.name[-6:]) for p in folder.glob("*.tfevents.??????")), default=0)
        # TensorBoard reads the files in the order of their names
        self._file = (folder / f"events.out.tfevents.{number:06d}").open("xb")
        self.is_first = number == 1
        self._write(file_version="brain.Event:2")
        if not self.is_first:
            session = self._events.SessionLog(status=self._events.SessionLog.START)
            self._write(step=after + 1, session_log=session)

    def scalars(self, step: int, values: dict[str, float]) -> None:
        summary = self._summaries.Summary()
        for name, value in values.items():
            summary.value.add(tag=name, simple_value=value)
        self._write(step=step, summary=summary)

    def histogram(self, step: int, name: str, values: Array) -> None:
        """How numbers are spread; those that are not finite are left out."""
        finite = values[np.isfinite(values)].astype(np.float64)
        if not finite.size:
            return
        counts, edges = np.histogram(finite, BINS)
        histogram = self._summaries.HistogramProto(
            min=finite.min(),
            max=finite.max(),
            num=finite.size,
            sum=finite.sum(),
            sum_squares=finite @ finite,
            bucket_limit=edges[1:].tolist(),
            bucket=counts.tolist(),
        )
        summary = self._summaries.Summary()
        summary.value.add(tag=name, histo=histogram)
        self._write(step=step, summary=summary)

    def image(self, step: int, name: str, pixels: Array) -> None:
        """Bytes (H, W, 1) or (H, W, 3)."""
        height, width, colors = pixels.shape
        image = self._summaries.Summary.Image(
            height=height, width=width, colorspace=colors, encoded_image_string=png(pixels)
        )
        summary = self._summaries.Summary()
        summary.value.add(tag=name, image=image)
        self._write(step=step, summary=summary)

    def flush(self) -> None:
        self._file.flush()

    def close(self) -> None:
        self._file.close()

    def _write(self, **facts: Any) -> None:
        event = self._events.Event(wall_time=time.time(), **facts).SerializeToString()
        size = struct.pack("<Q", len(event))
        record = (size, self._sum(size), event, self._sum(event))
        self._file.write(b"".join(record))

    def _sum(self, content: bytes) -> bytes:
        return struct.pack("<I", self._checksum(content))


def png(pixels: Array) -> bytes:
    """Bytes (H, W, 1) or (H, W, 3) as a PNG file."""
    height, width, colors = pixels.shape
    head = struct.pack(">IIBBBBB", width, height, 8, {1: 0, 3: 2}[colors], 0, 0, 0)
    rows = np.zeros((height, 1 + width * colors), dtype=np.uint8)  # each begins with its filter, 0
    rows[:, 1:] = pixels.reshape(height, -1)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(rows.tobytes())), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*chunk) for chunk in chunks)


def _chunk(name: bytes, content: bytes) -> bytes:
    checksum = zlib.crc32(name + content)
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", checksum)
