"""Uploads of thousands of small folders: each is not held against every file."""

from __future__ import annotations

from pathlib import Path

from aimass.formats.converter import Tree
from aimass.formats.converters import causal_lm, huggingface


def tree_of(root: Path, name: str, body: bytes, count: int, *weights: str) -> Tree:
    kinds: dict[str, str] = {}
    for number in range(count):
        (root / f"{number:03}").mkdir(parents=True)
        (root / f"{number:03}" / name).write_bytes(body)
        kinds |= {f"{number:03}/{name}": "json"} | {f"{number:03}/{one}": "safetensors" for one in weights}
    return Tree(root, kinds)


def test_of_many_adapters_and_pipelines_a_few_are_enough_to_refuse_them(tmp_path: Path) -> None:
    adapters = tree_of(tmp_path / "a", "adapter_config.json", b'{"peft_type": "LORA"}', 40)
    pipelines = tree_of(tmp_path / "b", "model_index.json", b'{"_class_name": "Any"}', 40)
    assert [len(huggingface.CONVERTER.candidates(tree)) for tree in (adapters, pipelines)] == [16, 16]


def test_weights_are_looked_for_beside_so_many_configurations_and_no_more(tmp_path: Path) -> None:
    """Two files of weights under names of their own are none: such folders never fill the list of those found."""
    tree = tree_of(tmp_path, "config.json", b'{"model_type": "bert"}', 80, "a.safetensors", "b.safetensors")
    looked: list[str] = []

    class Counting(Tree):
        def of(self, *kinds: str) -> list[str]:
            looked.append("all files")
            return super().of(*kinds)

    for converter in (huggingface.CONVERTER, causal_lm.CONVERTER):
        assert converter.candidates(Counting(tree.root, tree.kinds)) == []
    assert len(looked) == 2 * 64
