"""Requests, and the graphs that run them."""
