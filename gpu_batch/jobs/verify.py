"""Recognises, loads, runs and measures a model that is too large for a Lambda function: `python -m jobs.verify`.

What the states identify and verify do, in the same sandbox, with the machine's memory and disk in place of Lambda's.
The environment names ORDER_URL, the presigned URL of an order (see `order`), and may name SCRATCH, a writable folder.
It exits 0 when a result was delivered, a refusal too; 1 when a transfer failed, which may be tried again; 2 when that
would not help.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from aimass.domain.errors import ImportRefused
from aimass.sandbox.identify import Identified, identify_folder
from aimass.sandbox.verify import verify_folder
from jobs.events import log
from jobs.job import run
from jobs.order import Order, parse_order
from jobs.presigned import Presigned


def main() -> int:
    """Runs the order and returns the exit status."""
    return run("verify", parse_order, _delivered)


def _delivered(order: Order, s3: Presigned, folder: Path) -> dict[str, Any]:
    result = _result(order, s3, folder)
    s3.write("the result", order.result_url, json.dumps(result).encode())
    return {"error": result.get("error", {}).get("code")}


def _result(order: Order, s3: Presigned, folder: Path) -> dict[str, Any]:
    """`{identified, verified}` or `{error: {code, message, details}}`, once all files are here."""
    try:
        for file in order.files:
            s3.download(file, folder / "model" / file.path)
        sample = folder / "sample" / order.sample.path if order.sample else None
        if order.sample and sample:
            s3.download(order.sample, sample)
        log("downloaded", files=len(order.files), bytes=sum(file.size for file in order.files))
        found = identify_folder(folder / "model", order.limits)
        log("identified", format=found.format)
        return {"identified": _identified(found), "verified": _verified(order, found, sample)}
    except ImportRefused as error:
        return {"error": {"code": error.code, "message": error.message, "details": error.details}}


def _identified(found: Identified) -> dict[str, Any]:
    return {name: value for name, value in asdict(found).items() if name != "folder"}


def _verified(order: Order, found: Identified, sample: Path | None) -> dict[str, Any] | None:
    """None for a format that no runtime here opens. The optimised graph is measured, and goes with the folder."""
    if found.format != "onnx":
        return None
    verified = verify_folder(found.folder, found.main, sample, order.limits, order.prediction_seconds)
    return {name: value for name, value in asdict(verified).items() if not name.startswith("optimized")}


if __name__ == "__main__":
    sys.exit(main())
