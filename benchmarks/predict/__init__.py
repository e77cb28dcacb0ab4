"""Predictions over HTTP beside the servers that one would pick instead: `make bench-predict`. See README.md."""
