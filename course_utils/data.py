"""The course's data by name: `load("handbook")`, `load("questions", split="dev")` and so on.

A data set is a function in course_utils/datasets/, a file a subject; a lesson that brings data adds a file and names it
here.
"""

from collections.abc import Callable

from .datasets import (
    bilingual,
    desk,
    docstrings,
    documents,
    handbook,
    inbox,
    judging,
    listings,
    lookalikes,
    marketplace,
    questions,
    reviews,
    shop,
)
from .settings import CourseError

DATASETS: dict[str, Callable] = {
    name: loader
    for subject in (
        handbook,
        questions,
        listings,
        documents,
        desk,
        bilingual,
        shop,
        marketplace,
        inbox,
        judging,
        reviews,
        lookalikes,
        docstrings,
    )
    for name, loader in subject.DATASETS.items()
}


def load(name: str, **options):
    """Load a data set by name, for example `load("questions", split="dev")`.

    CourseError if there is no such data set, or if it has no such option.
    """
    if name not in DATASETS:
        raise CourseError(f"There is no data set {name!r}. There are: {', '.join(sorted(DATASETS))}.")
    try:
        return DATASETS[name](**options)
    except TypeError as problem:
        if "unexpected keyword" in str(problem):
            raise CourseError(f"The data set {name!r} does not take {', '.join(options)}.") from None
        raise
