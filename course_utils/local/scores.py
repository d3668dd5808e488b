"""A row of `python -m course_utils models`: one figure of one local model, with its standard error."""


def row(name: str, metric: str, value: float, n: int, split: str, error: float | None = None) -> dict:
    """name (the catalogue's capability), metric, value, n, split, error; the error of a share is the binomial one.

    A test holds the floor value - 2 x error (for an error rate the ceiling value + 2 x error).
    """
    if error is None:
        error = (value * (1 - value) / n) ** 0.5
    return {
        "name": name,
        "metric": metric,
        "value": round(value, 5),
        "n": n,
        "split": split,
        "error": round(error, 5),
    }
