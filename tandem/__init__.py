"""Tandem: PyTorch and TensorFlow, side by side. What notebooks of the course import."""

import os
import sys

from tandem.attempt import check
from tandem.draw import draw_graph
from tandem.home import show_home
from tandem.measurements import begin, record, show_recorded
from tandem.progress import show_progress
from tandem.quiet import QuietTensorFlow
from tandem.quiz import open_graded_quiz, open_quiz

__all__ = [
    "begin",
    "check",
    "draw_graph",
    "open_graded_quiz",
    "open_quiz",
    "record",
    "show_home",
    "show_progress",
    "show_recorded",
]

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # TensorFlow reads it when it is imported
if "tensorflow" not in sys.modules:
    sys.meta_path.insert(0, QuietTensorFlow())
