"""Devices, precision, processes, compiled networks."""
