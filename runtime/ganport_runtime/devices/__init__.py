"""The devices that a graph can run on, one file for each."""
