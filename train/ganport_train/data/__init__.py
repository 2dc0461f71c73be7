"""Datasets: source files, formats, decoded cache, near-duplicate groups and split."""

from ganport_train.data.dataset import Dataset as Dataset
from ganport_train.data.issues import DataError as DataError
from ganport_train.data.issues import Issue as Issue
from ganport_train.data.loading import load_dataset as load_dataset
