"""What one machine has no use for, or its CloudFormation does not know: left out when the app is deployed here."""

from __future__ import annotations

import json
from typing import Any

UNUSED_STACKS = {
    "jobs": "this machine is the only compute there is; its job definitions are read by local.batch",
    "observability": "nothing here writes the metrics that its alarms and its dashboard show",
}
UNSUPPORTED = {
    "AWS::CodeDeploy::Application": "an alias moves to a new version at once here: nobody's calls are at stake",
    "AWS::CodeDeploy::DeploymentGroup": "see AWS::CodeDeploy::Application",
}


def is_used_here(stack: str) -> bool:
    """By the name's last part. No stack that is used here may import from one that isn't."""
    return stack.rpartition("-")[2] not in UNUSED_STACKS


def supported(template: str) -> str:
    """The template without what is unsupported, and without what says how or when by naming that.

    Anything else that refers to it would be left dangling, and CloudFormation refuses that by name.
    """
    document: dict[str, Any] = json.loads(template)
    before: dict[str, Any] = document["Resources"]
    kept = {name: one for name, one in before.items() if not _is_unsupported(one)}
    gone = set(before) - set(kept)
    resources = {name: _without(one, gone) for name, one in kept.items()}
    if resources == before:
        return template
    return json.dumps({**document, "Resources": resources}, separators=(",", ":"))


def _is_unsupported(resource: dict[str, Any]) -> bool:
    metric_math = resource["Type"] == "AWS::CloudWatch::Alarm" and "Metrics" in resource["Properties"]
    return metric_math or resource["Type"] in UNSUPPORTED


def _without(resource: dict[str, Any], gone: set[str]) -> dict[str, Any]:
    resource = dict(resource)
    if "CodeDeployLambdaAliasUpdate" in resource.get("UpdatePolicy", {}):
        del resource["UpdatePolicy"]
    if "SnapStart" in resource.get("Properties", {}):
        # MiniStack would start the version's snapshot as a process of its own, outside our runtime and its limits.
        resource["Properties"] = {name: one for name, one in resource["Properties"].items() if name != "SnapStart"}
    after = resource.get("DependsOn", [])
    if after:
        resource["DependsOn"] = [one for one in ([after] if isinstance(after, str) else after) if one not in gone]
    return resource
