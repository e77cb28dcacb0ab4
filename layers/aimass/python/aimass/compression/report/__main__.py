"""The report of what lies in a folder of steps: `python -m aimass.compression.report FOLDER`."""

from __future__ import annotations

import argparse
from pathlib import Path

from aimass.compression.machine import machine
from aimass.compression.report.document import report_of
from aimass.compression.report.documents import documents_in
from aimass.compression.report.page import page_of
from aimass.compression.result import write
from aimass.compression.steps.folder import Folder


def main(arguments: list[str] | None = None) -> None:
    """Writes `report.json` and `report.html` there. Figures are taken to be measured on this machine."""
    parser = argparse.ArgumentParser(prog="aimass.compression.report", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--model", help="its name, for the title")
    given = parser.parse_args(arguments)
    documents = documents_in(Folder(given.folder), {"name": given.model}, machine())
    report = report_of(documents)
    write(given.folder / "report.json", report)
    (given.folder / "report.html").write_text(page_of(report), encoding="utf-8")


if __name__ == "__main__":
    main()
