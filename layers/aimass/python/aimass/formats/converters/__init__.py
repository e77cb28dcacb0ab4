"""One module a family of formats, each with its `CONVERTER` (`formats.converter`), found by `formats.registry`.

Adding a family adds a module here and touches no other: no list names it. A module imports nothing heavy at its top,
for recognising runs where none of these libraries are; its `open`, and what that returns, import what they need. One
whose name begins with `_` is a part of others.
"""
