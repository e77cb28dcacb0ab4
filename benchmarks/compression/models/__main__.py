"""Makes one model: `python -m benchmarks.compression.models MODULE NAME FOLDER`, in the environment of its library.

`--share 0.1` trains on a tenth, to see that it works.
"""

from __future__ import annotations

import argparse
import importlib
import time
from pathlib import Path

from benchmarks.compression.models.built import Built


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks.compression.models", description=__doc__)
    parser.add_argument("module")
    parser.add_argument("name")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--share", type=float, default=1.0)
    given = parser.parse_args()
    module = importlib.import_module(f"benchmarks.compression.models.{given.module}")
    given.folder.mkdir(parents=True, exist_ok=True)
    start = time.perf_counter()
    built: Built = module.MODELS[given.name](given.folder, given.share)
    built.write(given.folder, (time.perf_counter() - start) / 60)


if __name__ == "__main__":
    main()
