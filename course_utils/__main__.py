"""The package's commands: python -m course_utils doctor | scoreboard | models | progress | serve."""

import importlib
import sys

from .settings import CourseError

COMMANDS = {  # name -> (module whose main(arguments) returns the exit code, what it does)
    "doctor": ("doctor", "is this machine ready? one line a check, a fix beside each failure"),
    "scoreboard": ("scoreboard", "every claim of the course, as it was measured"),
    "models": ("local.figures", "every local model's figure, measured now"),
    "progress": ("checks.path", "exercises done and guesses made, over all lessons; --reset begins anew"),
    "serve": ("simulator.provider", "the course's provider over HTTP, for any client in any language"),
}


def usage() -> str:
    return "\n".join(f"python -m course_utils {name:10}  {does}" for name, (_, does) in COMMANDS.items())


def main(argv: list[str]) -> int:
    """Run a command. Returns its exit code: 2 for one that does not exist."""
    if not argv or argv[0] in ("-h", "--help"):
        print(usage())
        return 0
    if argv[0] not in COMMANDS:
        print(f"There is no command {argv[0]}. There are:\n{usage()}", file=sys.stderr)
        return 2
    try:
        return importlib.import_module(f".{COMMANDS[argv[0]][0]}", __package__).main(argv[1:])
    except CourseError as problem:
        print(problem, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
