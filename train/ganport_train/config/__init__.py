"""Recipes: sections, parsing, files and presets."""
