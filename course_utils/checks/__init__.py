"""Exercises, guesses and quizzes of the lessons. A lesson's own exercises stand in `lesson_NN.py` of this folder."""

from .engine import Exercise, all_exercises, exercise, register
from .guesses import calibration, guess, show_guess
from .proof import faults, solved, verify
from .quiz import quiz

__all__ = [
    "Exercise",
    "all_exercises",
    "calibration",
    "exercise",
    "faults",
    "guess",
    "quiz",
    "register",
    "show_guess",
    "solved",
    "verify",
]
