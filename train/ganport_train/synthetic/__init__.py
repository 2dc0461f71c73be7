"""Labeled images that the project draws: anime-like faces, and scenes of solids."""
