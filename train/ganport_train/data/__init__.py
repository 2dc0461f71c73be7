"""Pictures and their conditions: readers, cache, near-duplicate families and split."""

from ganport_train.data.dataset import Dataset as Dataset
from ganport_train.data.dataset import load_dataset as load_dataset
from ganport_train.data.issues import DataError as DataError
from ganport_train.data.issues import Issue as Issue
