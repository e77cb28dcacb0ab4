"""What parts of the rows and candidates are called. Free of heavy imports, for whoever handles files alone."""

from __future__ import annotations

CALIBRATION, CHOOSING, HELD_OUT = "calibration", "choosing", "held_out"
MIXED = "-mixed"  # ends the name of a recipe that was repaired
