"""Evaluation of generators: judges, metrics, scores, and reports."""
