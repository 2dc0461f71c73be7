"""Transforms of a network or graph that keep its outputs."""
