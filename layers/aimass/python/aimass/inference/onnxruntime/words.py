"""What the runtime's messages say. They are the only account of an error that it gives. Standard library only."""

from __future__ import annotations

import re

_MEMORY = re.compile(
    r"MemoryError|bad_alloc|bad allocation|Failed to allocate memory|[Cc]annot allocate memory"
    # A size that no vector can have, and what libstdc++ says of it.
    r"|std::length_error|larger than max_size\(\)|vector::_M_\w+|vector::reserve"
)
_PREFIX = re.compile(
    r"\[ONNXRuntimeError\] : \d+ : [A-Z_]+ : |Load model from .*? failed:"
    r"|Exception during (?:initialization|loading): "
    r"|Deserialize tensor .*? failed\."
)
# `/onnxruntime_src/onnxruntime/core/graph/graph.cc:1587 void onnxruntime::Graph::Resolve(int) const `
_SOURCE = re.compile(
    r"(?:/[\w./-]+/)?[\w-]+\.(?:cc|h|cpp|hpp):\d+ "
    r"(?:(?:[\w:<>,*&]+ )*?[\w:<>,~]*::[\w<>~]+\((?:[^()]|\([^()]*\))*\)(?: const)?(?: \[with [^\]]*\])?"
    r"(?:::<lambda\([^()]*\)>)? |[A-Z]\w+[a-z]\w+ (?=[A-Z]))?"
)
_LONGEST, _READ = 600, 20_000


def tells_of_memory(text: str) -> bool:
    """Whether these words tell of memory that the runtime, or Python, did not get."""
    return _MEMORY.search(text) is not None


def reason(text: str, folder: str = "") -> str:
    """The runtime's words without its source files and codes and without `folder`, no longer than a paragraph."""
    text = text[:_READ].replace(folder, "") if folder else text[:_READ]
    for noise in (_PREFIX, _SOURCE):
        text = noise.sub("", text)
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
