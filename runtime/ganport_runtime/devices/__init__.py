"""The devices a graph can run on: one file for each opens it there."""
