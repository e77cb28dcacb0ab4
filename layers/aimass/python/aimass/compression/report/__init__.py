"""The report of a compression: one JSON document, and one page that a person reads and prints."""
