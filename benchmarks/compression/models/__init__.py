"""Models that compression is measured on: made from packages, with fixed seeds, each with rows that no training saw."""
