"""Recipes: sections, parsing, presets."""
