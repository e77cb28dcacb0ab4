"""A virtual environment for each peer, under `build/peers`, from its lock."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PEERS = Path(__file__).with_name("peers")
BUILD = ROOT / "build" / "peers"
UV = Path(sys.executable).with_name("uv")


class NotInstalled(RuntimeError):
    """The peer's packages can't be had here."""


def environment(peer: str) -> Path:
    """Its folder of programs; made once for each lock. Raises NotInstalled."""
    lock, folder = PEERS / f"{peer}.lock", BUILD / peer / "env"
    stamp, wanted = BUILD / peer / "stamp", hashlib.sha256(lock.read_bytes()).hexdigest()
    if not stamp.exists() or stamp.read_text() != wanted:
        print(f"installing {peer} ...", flush=True)
        _run("venv", "--quiet", "--clear", "--python", sys.executable, str(folder))
        _run("pip", "sync", "--quiet", "--require-hashes", "--python", str(folder / "bin" / "python"), str(lock))
        stamp.write_text(wanted)
    return folder / "bin"


def _run(*arguments: str) -> None:
    done = subprocess.run([str(UV), *arguments], capture_output=True, text=True)
    if done.returncode:
        raise NotInstalled(done.stderr.strip().splitlines()[-1] if done.stderr else f"uv ended with {done.returncode}")
