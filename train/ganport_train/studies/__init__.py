"""Comparisons of recipes."""
