"""Rendered scenes of spheres, cubes and cylinders, in the format of i-CLEVR."""
