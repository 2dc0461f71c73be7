"""Requests, and the graphs that answer them."""
