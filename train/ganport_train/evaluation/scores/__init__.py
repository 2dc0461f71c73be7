"""Scores of a bundle: generate with the runtime, predict with a judge, compare with real images."""
