"""`POST /predict`, the platform's own call."""
