"""Measurements of the gateway, each a command of its own (docs/measurements.md holds what they said)."""
