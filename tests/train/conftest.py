"""Small drawn data sets, made once, and a cache of their own."""
