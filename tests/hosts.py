"""Hosts: two machines simulated by network namespaces, and a job of ranks on both.

    python -m tests.hosts

Needs Linux and root.  The ranks see each other through a virtual cable only: shared memory is
forbidden to them.  A job must train what one process trains; one whose rank is killed on either
host must be over within ten seconds, and its run go on in one process.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.kill import write_files
from tests.kill_ranks import MPIEXEC, SOON, Job, launch, losses

NAMES, NETWORK, BRIDGE = ("nnh1", "nnh2"), "10.77.0", "nnbr"
CABLES_ONLY = {"UCX_TLS": "tcp,self"}
SHELL = """\
#!/bin/sh
while [ "${1#-}" != "$1" ]; do shift; done  # options of ssh
host=$1
shift
exec ip netns exec nnh${host##*.} unshare -u sh -c "hostname host${host##*.}; exec $*"
"""


def can_be() -> bool:
    """Whether this user may make network namespaces here."""
    if sys.platform != "linux" or os.geteuid() or not MPIEXEC:
        return False
    tools = all(map(shutil.which, ("ip", "unshare")))
    return tools and not subprocess.run(["unshare", "-n", "true"], check=False).returncode


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True)


@contextmanager
def hosts(folder: Path) -> Iterator[list[str]]:
    """`mpiexec` with the words that start a rank on each host."""
    shell = folder / "like-ssh"
    shell.write_text(SHELL)
    shell.chmod(0o755)
    try:
        ip("link", "add", BRIDGE, "type", "bridge")
        ip("addr", "add", f"{NETWORK}.254/24", "dev", BRIDGE)
        ip("link", "set", BRIDGE, "up")
        for number, name in enumerate(NAMES, 1):
            cable, inside = f"nnv{number}", ("-n", name)
            ip("netns", "add", name)
            ip("link", "add", cable, "type", "veth", "peer", "name", "eth0", "netns", name)
            ip("link", "set", cable, "master", BRIDGE, "up")
            ip(*inside, "addr", "add", f"{NETWORK}.{number}/24", "dev", "eth0")
            ip(*inside, "link", "set", "eth0", "up")
            ip(*inside, "link", "set", "lo", "up")
        there = ",".join(f"{NETWORK}.{number}" for number in (1, 2))
        words = ["-launcher", "ssh", "-launcher-exec", str(shell), "-hosts", there]
        yield [str(MPIEXEC), *words, "-localhost", f"{NETWORK}.254"]
    finally:
        for name in NAMES:
            subprocess.run(["ip", "netns", "del", name], check=False)
        subprocess.run(["ip", "link", "del", BRIDGE], check=False)


def main() -> None:
    if not can_be():
        print("no hosts: network namespaces need Linux, root, and the extra mpi")
        return
    os.environ |= CABLES_ONLY
    with tempfile.TemporaryDirectory() as place, hosts(Path(place)) as mpiexec:
        folder = Path(place)
        write_files(folder)
        nntrain = ["-n", "2", sys.executable, "-m", "nntrain", "fit"]
        for name in ("mlp", "cnn", "lstm"):
            assert launch(1, folder, "fit", f"{name}.yaml", "-o", name, "-q").end() == 0
            job = Job([*mpiexec, *nntrain, f"{name}.yaml", "-o", f"{name}-2", "-q"], folder)
            assert job.end() == 0, job.said
            both = zip(losses(folder / name), losses(folder / f"{name}-2"), strict=True)
            worst = max(abs(a - b) for a, b in both)
            assert worst < 1e-5, worst
            print(f"{name}: losses on two hosts differ from those of one process by {worst:.1g}")
        for rank in (0, 1):
            run = folder / f"killed-{rank}"
            job = Job([*mpiexec, *nntrain, "mlp.yaml", "-o", str(run), "-q"], folder)
            while not (run / "checkpoint.safetensors").exists():
                assert job.process.poll() is None, job.said
                time.sleep(0.01)
            began = time.monotonic()
            os.kill(job.ranks()[rank], signal.SIGKILL)
            assert job.end(SOON) != 0, job.said
            print(f"rank {rank} killed: over after {time.monotonic() - began:.2f} s")
            assert launch(1, folder, "fit", "--resume", run, "-q").end() == 0


if __name__ == "__main__":
    main()
