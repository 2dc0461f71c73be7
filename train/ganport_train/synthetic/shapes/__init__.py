"""Scenes of spheres, cubes and cylinders on a table, rendered."""
