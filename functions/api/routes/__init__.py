"""The control plane's routes, one module a noun."""
