"""Pictures the project draws itself."""
