"""Reading a notebook for the guards: its cells, prose, outputs, stored widgets and syntax."""

import ast
import json
import re

from IPython.core.inputtransformer2 import TransformerManager

import notebooks
from notebooks import where

FENCE = re.compile(r"^(`{3,}|~{3,}).*?^\1[ \t]*$", re.MULTILINE | re.DOTALL)


def code_cells(nb):
    """(index, cell) of the code cells."""
    return [(i, cell) for i, cell in enumerate(nb.cells) if cell.cell_type == "code"]


def markdown_cells(nb):
    """(index, cell) of the prose cells."""
    return [(i, cell) for i, cell in enumerate(nb.cells) if cell.cell_type == "markdown"]


def tags(cell) -> list[str]:
    return list(cell.metadata.get("tags", []))


def prose(cell) -> str:
    """A prose cell without its code blocks and code words."""
    return re.sub(r"`[^`\n]*`", "", FENCE.sub("", cell.source))


def shown(cell):
    """Texts that a code cell put out, embedded bytes left out: (mime type or stream name, text)."""
    for output in cell.get("outputs", []):
        if output.output_type == "stream":
            yield output.name, output.text
        elif output.output_type == "error":
            yield "error", "\n".join([output.ename, output.evalue, *output.traceback])
        for kind, value in output.get("data", {}).items():
            if not kind.startswith(("image/png", "image/jpeg", "audio/", "video/")):
                text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
                yield kind, notebooks.PICTURE.sub("", text)


def everything(nb):
    """(place, text) of all that a notebook holds: sources, outputs, and texts of stored widgets."""
    for index, cell in enumerate(nb.cells):
        yield where(nb, index), notebooks.PICTURE.sub("", cell.source)
        for _, text in shown(cell):
            yield where(nb, index), text
    for model in stored_widgets(nb):
        for value in model.get("state", {}).values():
            if isinstance(value, str):
                yield "the stored widgets", notebooks.PICTURE.sub("", value)


def stored_widgets(nb) -> list[dict]:
    widgets = nb.metadata.get("widgets", {}).get(notebooks.WIDGET_STATE, {})
    return list(widgets.get("state", {}).values())


def syntax(source: str) -> ast.AST | None:
    """A cell's syntax tree, magics turned into calls and top-level await allowed; None if it is no Python."""
    try:
        code = TransformerManager().transform_cell(source)
        return compile(code, "cell", "exec", ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    except (SyntaxError, ValueError):
        return None


def name_of(node) -> str:
    """A call's dotted name ('asyncio.run'), or ''."""
    return ast.unparse(node.func) if isinstance(node, ast.Call) else ""


def headings(nb):
    """(cell index, level, title) of the markdown headings."""
    for index, cell in markdown_cells(nb):
        for match in re.finditer(r"^(#{1,6})[ \t]+(.+?)[ \t#]*$", FENCE.sub("", cell.source), re.MULTILINE):
            yield index, len(match[1]), match[2]


def calls(cell, name: str) -> list[ast.Call]:
    """The calls of a function, by its own name or as an attribute, in a code cell."""
    nodes = ast.walk(syntax(cell.source) or ast.Module([], []))
    return [n for n in nodes if name_of(n).rpartition(".")[2] == name]
