"""A synthesized cloud assembly: its stacks in order of their dependencies, with their templates and assets."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

from local.aws import ACCOUNT, REGION
from local.unsupported import is_used_here, supported


@dataclass(frozen=True)
class Asset:
    """A file or folder that the template expects in a bucket. A layer's content isn't needed on this machine."""

    path: Path
    bucket: str
    key: str
    zipped: bool
    layer: bool


@dataclass(frozen=True)
class StackTemplate:
    name: str
    body: str
    assets: tuple[Asset, ...]

    @property
    def digest(self) -> str:
        """Of the template, whose asset keys are digests themselves."""
        return hashlib.sha256(self.body.encode()).hexdigest()


def read_stacks(assembly: Path) -> list[StackTemplate]:
    """Those that one machine has a use for, without what it can't create."""
    artifacts = json.loads((assembly / "manifest.json").read_text())["artifacts"]
    order = TopologicalSorter({name: artifact.get("dependencies", ()) for name, artifact in artifacts.items()})
    stacks = [name for name in order.static_order() if artifacts[name]["type"] == "aws:cloudformation:stack"]
    return [_read_stack(assembly, artifacts, name) for name in stacks if is_used_here(name)]


def _read_stack(assembly: Path, artifacts: dict[str, Any], name: str) -> StackTemplate:
    properties = artifacts[name]["properties"]
    body = supported((assembly / properties["templateFile"]).read_text())
    layers = set(_layer_keys(json.loads(body)))
    assets = [
        asset
        for dependency in artifacts[name].get("dependencies", ())
        if artifacts[dependency]["type"] == "cdk:asset-manifest"
        for asset in _read_assets(assembly, artifacts[dependency]["properties"]["file"], layers)
        if asset.path.name != properties["templateFile"]
    ]
    return StackTemplate(properties.get("stackName", name), body, tuple(assets))


def _read_assets(assembly: Path, manifest: str, layers: set[str]) -> Iterator[Asset]:
    for file in json.loads((assembly / manifest).read_text())["files"].values():
        for destination in file["destinations"].values():
            yield Asset(
                path=assembly / file["source"]["path"],
                bucket=_concrete(destination["bucketName"]),
                key=destination["objectKey"],
                zipped=file["source"]["packaging"] == "zip",
                layer=destination["objectKey"] in layers,
            )


def _layer_keys(template: dict[str, Any]) -> Iterator[str]:
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Lambda::LayerVersion":
            yield resource["Properties"]["Content"]["S3Key"]


def _concrete(name: str) -> str:
    return name.replace("${AWS::AccountId}", ACCOUNT).replace("${AWS::Region}", REGION)
