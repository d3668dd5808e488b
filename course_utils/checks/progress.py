"""The learner's progress and guesses, as JSON files in the state folder (settings.state())."""

import json
import os

from .. import settings
from ..widgets import note


def read_state(name: str) -> dict:
    """What `name`.json in the state folder holds; {} if absent. A damaged file is set aside, with a sentence."""
    file = settings.state() / f"{name}.json"
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
        if isinstance(data, dict):
            return data
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError):
        pass
    try:
        os.replace(file, file.with_suffix(".damaged.json"))
        note(f"Your file {file.name} could not be read. It was set aside as {name}.damaged.json, and a new one begins.")
    except OSError:
        note(f"Your file {file.name} can be neither read nor moved: what you do now is not remembered.")
    return {}


def update_state(name: str, id: str, **values) -> dict:
    """Set values in the entry `id` of `name`.json, in one step that cannot leave half a file. Returns the entry."""
    data = read_state(name)
    entry = data[id] = (data[id] if isinstance(data.get(id), dict) else {}) | values
    file = settings.state() / f"{name}.json"
    fresh = file.with_suffix(f".{os.getpid()}.tmp")
    try:
        fresh.write_text(json.dumps(data, indent=1, sort_keys=True), encoding="utf-8")
        os.replace(fresh, file)
    except OSError as problem:
        note(f"Nothing could be saved ({problem.strerror}). Set COURSE_STATE to a folder that can be written.")
    return entry
