"""What parts of the rows and candidates are called. Free of heavy imports, for whoever handles files alone."""

from __future__ import annotations

import re

CALIBRATION, CHOOSING, HELD_OUT = "calibration", "choosing", "held_out"
MIXED = "-mixed"  # ends the name of a recipe that was repaired
MOST_RECIPES = 16  # tried in a compression
NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,79}")  # of a candidate, with that ending
