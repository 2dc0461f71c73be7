"""The judge: a network that reads the conditions of a data set back from its images."""
