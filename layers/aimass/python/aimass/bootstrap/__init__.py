"""The composition root: it alone reads the environment and picks adapters. Heavy imports happen on first use."""
