"""Studies: recipes that are trained one after another and compared."""
