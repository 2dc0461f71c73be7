"""Layers of invertible networks; each has an inverse and a log-determinant."""
