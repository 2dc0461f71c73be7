"""Diagnosis of this machine: which devices work, and how to fix the others."""

from ganport_runtime.doctor.report import examine, find_problems

__all__ = ["examine", "find_problems"]
