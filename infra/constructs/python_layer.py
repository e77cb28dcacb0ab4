"""Layers: our own package as it lies in the tree, and pinned wheels for the Lambda platform."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsii
from aws_cdk import AssetHashType, BundlingOptions, DockerImage, ILocalBundling
from aws_cdk.aws_lambda import Architecture, Code, LayerVersion, Runtime
from constructs import Construct

LAYERS = Path(__file__).parents[2] / "layers"
RUNTIME = Runtime.PYTHON_3_13
ARCHITECTURE = Architecture.X86_64

# uv reads the lock's markers for the target's Python; pip reads them for the Python that it runs on.
INSTALL = (
    *("uv", "pip", "install", "--quiet", "--require-hashes", "--no-deps", "--only-binary", ":all:"),
    *("--python-version", "3.13", "--python-platform", "x86_64-manylinux_2_28"),
)
TRIMMED = ("bin", "**/tests", "**/__pycache__", "onnx/backend/test")


class SourceLayer(LayerVersion):
    """The package `aimass`, straight from the tree."""

    def __init__(self, scope: Construct) -> None:
        code = Code.from_asset(str(LAYERS / "aimass"), exclude=["pyproject.toml", "**/__pycache__", "**/*.egg-info"])
        super().__init__(
            scope, "aimass", code=code, compatible_runtimes=[RUNTIME], compatible_architectures=[ARCHITECTURE]
        )


class PinnedLayer(LayerVersion):
    """The wheels that `layers/<name>/requirements.lock` pins.

    The asset's hash is that of the lock and of this way to install it, so a template is the same bundled or not.
    """

    def __init__(self, scope: Construct, name: str) -> None:
        lock = LAYERS / name / "requirements.lock"
        recipe = " ".join((*INSTALL, *TRIMMED)).encode()
        code = Code.from_asset(
            str(lock.parent),
            asset_hash_type=AssetHashType.CUSTOM,
            asset_hash=hashlib.sha256(recipe + lock.read_bytes()).hexdigest(),
            bundling=BundlingOptions(image=DockerImage.from_registry("never-used"), local=_Wheels(lock)),
        )
        super().__init__(scope, name, code=code, compatible_runtimes=[RUNTIME], compatible_architectures=[ARCHITECTURE])


@jsii.implements(ILocalBundling)
class _Wheels:
    def __init__(self, lock: Path) -> None:
        self._lock = lock

    def try_bundle(self, output_dir: str, _options: Any) -> bool:
        target = Path(output_dir) / "python"
        subprocess.run([sys.executable, "-m", *INSTALL, "--target", str(target), "-r", str(self._lock)], check=True)
        for pattern in TRIMMED:
            for folder in list(target.glob(pattern)):
                shutil.rmtree(folder, ignore_errors=True)  # it may have gone with its parent
        return True
