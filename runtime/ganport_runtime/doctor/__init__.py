"""What is installed here and which devices really draw, with the fix for what does not."""

from ganport_runtime.doctor.report import Examination, examine

__all__ = ["Examination", "examine"]
