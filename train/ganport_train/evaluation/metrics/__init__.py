"""Metrics as pure functions of features, images, and counts."""
