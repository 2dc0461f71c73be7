"""Readers of dataset formats, one module each, and the registry of all."""
