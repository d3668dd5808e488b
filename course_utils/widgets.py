"""What reaches the screen: `emit` (HTML with a plain-text twin), `markup` (short prose to HTML), `panel` (controls)."""

import html
import re
import sys

from . import settings
from .settings import CourseError

LARGER = "1.35em"  # tables and boxes in projector mode
# Left borders, at least 3:1 on white and on JupyterLab's dark ground; the words beside them say the same.
BORDER = {"task": "#3f90da", "right": "#2e8b57", "wrong": "#d9534f", "open": "#808080"}


def in_notebook() -> bool:
    """Whether an IPython shell shows what is displayed."""
    return "IPython" in sys.modules and sys.modules["IPython"].get_ipython() is not None


def emit(page: str, text: str, **more) -> None:
    """Show HTML with its plain-text twin, and further MIME types; outside IPython print the text.

    `more`: MIME type -> data, passed as `**{"application/x+json": …}`.
    """
    if not in_notebook():
        print(text)
        return
    from IPython.display import display

    if settings.projector():
        page = f'<div style="font-size:{LARGER}">{page}</div>'
    display({"text/html": page, "text/plain": text} | more, raw=True)


def markup(text: str) -> str:
    """A little Markdown as HTML: `code`, **bold**, fenced code, paragraphs. Everything else is escaped."""
    parts = []
    for i, part in enumerate(re.split(r"```(?:python)?\n(.*?)```", text.strip(), flags=re.S)):
        if i % 2:
            parts.append(f"<pre><code>{html.escape(part.rstrip())}</code></pre>")
            continue
        for paragraph in filter(None, (p.strip() for p in re.split(r"\n\s*\n", part))):
            words = re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(paragraph, quote=False))
            words = re.sub(r"\*\*(.+?)\*\*", r"<strong>\1</strong>", words)
            parts.append(f"<p>{words}</p>")
    return "".join(parts)


def box(kind: str, body: str) -> str:
    """HTML in a box with a left border of its kind: 'task', 'right', 'wrong', 'open'. Text keeps the theme's colour."""
    return f'<div style="border-left:4px solid {BORDER[kind]};padding:0.1em 1em;margin:0.5em 0">{body}</div>'


def note(text: str) -> None:
    """Show one sentence."""
    emit(box("open", markup(text)), text)


def to_html(value) -> str:
    """A string (HTML already), a figure, a data frame, or any other value, as HTML."""
    from . import drawing

    if isinstance(value, str):
        return value
    if hasattr(value, "savefig"):
        return drawing.figure_html(value)
    if hasattr(value, "to_html"):
        return drawing.table_html(value)
    return f"<p>{html.escape(str(value))}</p>"


def _to_text(value) -> str:
    if hasattr(value, "alt_text"):
        return f"Figure: {value.alt_text}"
    if hasattr(value, "to_string"):
        return value.to_string(index=False)
    return html.unescape(re.sub(r"<[^>]+>", " ", str(value))).strip()


def _control(name, spec, default, label):
    """A labelled widget for (low, high[, step]), a list of choices, a truth value, a text, or a widget as it is."""
    import ipywidgets as w

    kind = {"description": label, "style": {"description_width": "initial"}, "layout": w.Layout(width="28em")}
    if isinstance(spec, w.Widget):
        return spec
    if isinstance(spec, bool):
        return w.Checkbox(value=bool(default), **kind)
    if isinstance(spec, str):
        return w.Text(value=str(default), continuous_update=False, **kind)
    if isinstance(spec, list) and spec:
        return w.Dropdown(options=spec, value=default, **kind)
    if isinstance(spec, tuple) and len(spec) in (2, 3) and all(isinstance(x, int | float) for x in spec):
        whole = all(isinstance(x, int) for x in (*spec, default))
        step = {"step": spec[2]} if len(spec) == 3 else {} if whole else {"step": (spec[1] - spec[0]) / 20}
        slider = w.IntSlider if whole else w.FloatSlider
        return slider(value=default, min=spec[0], max=spec[1], continuous_update=False, **step, **kind)
    raise CourseError(
        f"panel: {name}={spec!r} is no control: give (low, high), (low, high, step), a list, True, a text."
    )


def _defaults(function, controls):
    """The value that each control starts from: the function's own default, else the control's first value."""
    import inspect

    parameters = inspect.signature(function).parameters
    values = {}
    for name, spec in controls.items():
        if name not in parameters:
            raise CourseError(f"panel: the function has no parameter {name!r}; it has {', '.join(parameters)}.")
        if parameters[name].default is not inspect.Parameter.empty:
            values[name] = parameters[name].default
        else:
            values[name] = spec.value if hasattr(spec, "value") else spec[0] if isinstance(spec, list | tuple) else spec
    return values


def panel(function, /, *, title="", labels=None, **controls):
    """A figure or table that controls move, in a cell of its own; every control works by keyboard.

    function: pure; its parameters -> HTML string, data frame or figure. Its default arguments are the starting values.
    controls: parameter = (low, high), (low, high, step), a list of choices, True/False, or a text.
    labels: parameter -> words shown (default: its name). First comes a static result at the starting values, which
    needs no kernel; below it the controls and what they give. CourseError for an unknown parameter or control.
    """
    values = _defaults(function, controls)
    labels = {name: name.replace("_", " ") for name in controls} | (labels or {})
    start = function(**values)
    said = ", ".join(f"{labels[n]} = {v}" for n, v in values.items())
    head = f"<p><strong>{html.escape(title or 'At the starting values')}</strong> ({html.escape(said)})</p>"
    emit(head + to_html(start), f"{title or 'At the starting values'} ({said})\n{_to_text(start)}")
    if not in_notebook():
        return
    import ipywidgets as w
    from IPython.display import display

    inputs = {name: _control(name, spec, values[name], labels[name]) for name, spec in controls.items()}
    output = w.HTML(value="<p>Move a control: the result appears here, below the one at the starting values.</p>")

    def redraw(_change):
        now = {name: widget.value for name, widget in inputs.items()}
        said = html.escape(", ".join(f"{labels[n]} = {v}" for n, v in now.items()))
        try:
            output.value = f"<p><strong>Yours</strong> ({said})</p>{to_html(function(**now))}"
        except Exception as problem:  # a traceback in a callback would be lost in the log
            output.value = f"<p>With {said}: {html.escape(f'{type(problem).__name__}: {problem}')}</p>"

    for widget in inputs.values():
        widget.observe(redraw, names="value")
    display(w.VBox([*inputs.values(), output]))
