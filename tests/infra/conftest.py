"""The synthesized templates, read as JSON, with references spelled out so that a test can name what they point at."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from infra.synth import TEMPLATES_ONLY, synthesize_cached

Resource = dict[str, Any]


class Deployment:
    """All stacks of one stage. A resource goes by its logical id without the hash, as in `uploadsbucket`."""

    def __init__(self, assembly: Path) -> None:
        self.assembly = assembly
        templates = {
            path.name.removesuffix(".template.json"): json.loads(path.read_text())
            for path in assembly.glob("*.template.json")
        }
        self.stacks = set(templates)
        self._exports: dict[str, Any] = {}
        self._resources: dict[str, list[tuple[str, str, Resource]]] = {}
        for stack, template in templates.items():
            for output in template.get("Outputs", {}).values():
                if "Export" in output:
                    self._exports[output["Export"]["Name"]] = output["Value"]
            for logical_id, resource in template["Resources"].items():
                self._resources.setdefault(resource["Type"], []).append((stack, _plain(logical_id), resource))

    def of_type(self, kind: str, *, stacks: Sequence[str] = ()) -> dict[str, Resource]:
        """Resources of one CloudFormation type by plain name, references spelled out; `stacks` by their last word."""
        return {
            name: self._spelled(resource)
            for stack, name, resource in self._resources.get(kind, [])
            if not stacks or stack.rpartition("-")[2] in stacks
        }

    def guarded(self) -> set[str]:
        """Stacks that can't be deleted before somebody says so."""
        artifacts = json.loads((self.assembly / "manifest.json").read_text())["artifacts"]
        return {name for name, one in artifacts.items() if one.get("properties", {}).get("terminationProtection")}

    def types(self) -> set[str]:
        return set(self._resources)

    def exports(self) -> dict[str, Any]:
        """What one stack hands to another, by export name."""
        return {name: self._spelled(value) for name, value in self._exports.items()}

    def properties(self, kind: str, name: str) -> dict[str, Any]:
        return self.of_type(kind)[name]["Properties"]

    def functions(self) -> dict[str, dict[str, Any]]:
        """Each function's properties, by its name."""
        functions = [resource["Properties"] for resource in self.of_type("AWS::Lambda::Function").values()]
        return {
            properties["Environment"]["Variables"]["POWERTOOLS_SERVICE_NAME"]: properties for properties in functions
        }

    def rights(self, role: str) -> set[tuple[str, str]]:
        """Every (action, resource) that a role is allowed; `<key> via <service>` where only that service may use it."""
        granted = set()
        for policy in self.of_type("AWS::IAM::Policy").values():
            if policy["Properties"]["Roles"] == [role]:
                for statement in policy["Properties"]["PolicyDocument"]["Statement"]:
                    assert statement["Effect"] == "Allow"
                    via = _via(statement)
                    granted |= {(a, r + via) for a in _many(statement["Action"]) for r in _many(statement["Resource"])}
        return granted

    def statements(self, kind: str, name: str) -> list[dict[str, Any]]:
        """Of the policy of a queue, bucket or key."""
        properties = self.properties(kind, name)
        return (properties.get("PolicyDocument") or properties["KeyPolicy"])["Statement"]

    def state_machine(self, name: str = "import") -> dict[str, Any]:
        """A state machine's definition."""
        properties = self.properties("AWS::StepFunctions::StateMachine", f"{name}machine")
        return json.loads(properties["DefinitionString"])

    def states(self) -> list[dict[str, Any]]:
        """Every state of every state machine, those of a Map's items too."""
        found: list[dict[str, Any]] = []
        for machine in self.of_type("AWS::StepFunctions::StateMachine").values():
            for state in json.loads(machine["Properties"]["DefinitionString"])["States"].values():
                found += [state, *state.get("ItemProcessor", {}).get("States", {}).values()]
        return found

    def _spelled(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._spelled(item) for item in value]
        if isinstance(value, dict):
            return self._reference(value) or {key: self._spelled(item) for key, item in value.items()}
        return value

    def _reference(self, value: dict[str, Any]) -> Any:
        match value:
            case {"Ref": str(name)}:
                return _plain(name)
            case {"Fn::GetAtt": [name, attribute]}:
                return f"{_plain(name)}.{attribute}"
            case {"Fn::ImportValue": str(export)}:
                return self._spelled(self._exports[export])
            case {"Fn::Join": [separator, parts]}:
                spelled = self._spelled(parts)
                return separator.join(part if isinstance(part, str) else json.dumps(part) for part in spelled)
        return None


def _plain(logical_id: str) -> str:
    return re.sub(r"[0-9A-F]{8}$", "", logical_id)


def _via(statement: dict[str, Any]) -> str:
    service = statement.get("Condition", {}).get("StringEquals", {}).get("kms:ViaService")
    return f" via {service}" if service else ""


def _many(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


@pytest.fixture(scope="session")
def dev() -> Deployment:
    return Deployment(synthesize_cached())


@pytest.fixture(scope="session")
def prod() -> Deployment:
    return Deployment(synthesize_cached(context={**TEMPLATES_ONLY, "stage": "prod"}))
