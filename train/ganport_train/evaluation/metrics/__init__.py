"""The figures themselves: pure functions of features, pictures and counts."""
