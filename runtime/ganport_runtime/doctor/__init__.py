"""Diagnosis of this machine: which devices work, and how to fix the others."""

from ganport_runtime.doctor.report import DiagnosticReport, diagnose

__all__ = ["DiagnosticReport", "diagnose"]
