"""Devices, precision, processes and compiled networks."""
