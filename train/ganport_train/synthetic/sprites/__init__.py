"""Pixel-art characters: their colors, the parts that they consist of, and what each class wears."""
