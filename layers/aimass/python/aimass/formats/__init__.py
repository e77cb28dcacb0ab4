"""One file a model format: how its content gives it away, and its own safety rules.

`recognise.recognise` needs the standard library only, reads a few bytes of a file however large, and never runs what
it reads.
"""
