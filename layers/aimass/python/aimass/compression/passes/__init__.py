"""One way of making a model smaller a file, each with its `PASS`; `_x.py` is part of another."""
