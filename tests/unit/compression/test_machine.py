from __future__ import annotations

from pathlib import Path

import onnxruntime as ort

from aimass.compression.machine import machine


def test_the_processor_has_its_name_and_the_instructions_that_kernels_ask_for(tmp_path: Path) -> None:
    told = tmp_path / "cpuinfo"
    told.write_text(
        "model name\t: Fast 9000\nflags\t\t: fpu avx2 avx512_vnni sse\n\nmodel name\t: Slow\nflags\t\t: fpu\n"
    )
    found = machine(told)
    assert found["processor"] == "Fast 9000"
    assert found["instructions"] == ["avx2", "avx512_vnni"]
    assert found["onnxruntime"] == ort.__version__


def test_a_system_that_does_not_tell_is_named_by_its_architecture(tmp_path: Path) -> None:
    found = machine(tmp_path / "none")
    assert found["processor"] == found["architecture"]
    assert found["instructions"] == []
