"""A busy neighbour: two processes that multiply matrices until they are ended."""

from __future__ import annotations

import os
import signal

import numpy as np


def main() -> None:
    other = os.fork()

    def end(*_: object) -> None:
        os.kill(other, signal.SIGKILL)
        os._exit(0)

    if other:  # both end when the first is told to
        signal.signal(signal.SIGTERM, end)
    a = np.random.default_rng(0).random((512, 512), dtype=np.float32)
    out = np.empty_like(a)
    while other or os.getppid() != 1:
        np.matmul(a, a, out=out)


if __name__ == "__main__":
    main()
