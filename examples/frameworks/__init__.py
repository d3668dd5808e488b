"""One application in six forms. Importing course_utils first turns the frameworks' telemetry off, before they look."""

import course_utils  # noqa: F401
