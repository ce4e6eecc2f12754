"""PNG: small pictures as bytes, and in drawings.   W3C, *PNG*, third edition, 2025."""

from __future__ import annotations

import struct
import zlib
from base64 import b64encode

import numpy as np

from nntrain.families import Array
from nntrain.report.markup import Html, tag

SIGNATURE = b"\x89PNG\r\n\x1a\n"
COLOURS = {1: 0, 2: 4, 3: 2, 4: 6}  # channels: grey, grey and alpha, colours, colours and alpha


def png(pixels: Array) -> bytes:
    """An image (H, W, 1 to 4) uint8 as a file."""
    height, width, channels = pixels.shape
    header = struct.pack(">IIBBBBB", width, height, 8, COLOURS[channels], 0, 0, 0)
    lines = np.zeros((height, 1 + width * channels), np.uint8)  # a line begins with its filter: 0
    lines[:, 1:] = pixels.reshape(height, width * channels)
    chunks = (b"IHDR", header), (b"IDAT", zlib.compress(lines.tobytes(), 6)), (b"IEND", b"")
    return SIGNATURE + b"".join(_chunk(*each) for each in chunks)


def _chunk(name: bytes, content: bytes) -> bytes:
    check = zlib.crc32(name + content)
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", check)


def image(pixels: Array, x: float, y: float, width: float, height: float) -> Html:
    """The image in a drawing, its points as squares."""
    place = {"x": f"{x:.1f}", "y": f"{y:.1f}", "width": f"{width:.1f}", "height": f"{height:.1f}"}
    address = f"data:image/png;base64,{b64encode(png(pixels)).decode()}"
    return tag("image", **place, href=address, class_="pixels", preserveAspectRatio="none")
