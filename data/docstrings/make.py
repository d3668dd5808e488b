"""Make the docstring collection again: python data/docstrings/make.py [--texts-only], about ten minutes on one core.

Reads the documentation strings of the packages that the course installs (as their locks pin them) and of Python's own
library, takes the first sentence of each, embeds it, and writes entries.jsonl.gz, queries.jsonl, vectors.npz,
packages.json and test.sha256. Nothing is imported or run: files are parsed. The same packages give the same files.
"""

import argparse
import ast
import gzip
import hashlib
import importlib.metadata
import json
import platform
import random
import re
import sys
import sysconfig
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
sys.path.insert(0, str(FOLDER.parent.parent))

ENTRIES, QUERIES, PER_PACKAGE, LONGEST = 50_000, 1_000, 2_200, 32
ALLOWED = re.compile(r"\b(MIT|0?BSD|Apache|PSF|Python Software|ISC|HPND|MIT-CMU|Zlib)\b", re.I)
REFUSED = re.compile(r"GPL|General Public|MPL|Mozilla|Proprietary|EUPL|SSPL", re.I)
NOT_READ = re.compile(
    r"(^|/)(_[a-z]\w*|tests?|testing|vendor(ed)?|examples?|benchmarks|test_\w+|conftest|lib2to3|idlelib)(/|$)"
)


def licence(meta) -> str:
    """The licence of a distribution in a few words, from its metadata; '' if it is not one of ALLOWED."""
    classifiers = [c.split("::")[-1].strip() for c in meta.get_all("Classifier") or [] if c.startswith("License")]
    said = [meta.get("License-Expression") or "", (meta.get("License") or "").strip()[:80], *classifiers]
    said = [" ".join(part.split()) for part in said if part]
    if any(REFUSED.search(part) for part in said):
        return ""
    return next((part for part in said if ALLOWED.search(part)), "")


def sources():
    """(package, version, licence, notice, [(module, file)]) of every readable distribution, and of Python's library."""
    for found in sorted(importlib.metadata.distributions(), key=lambda d: d.metadata["Name"].lower()):
        name, allowed = found.metadata["Name"].lower().replace("_", "-"), licence(found.metadata)
        files = [(str(f), Path(found.locate_file(f))) for f in found.files or [] if not str(f).startswith("..")]
        python = sorted((p[:-3], f) for p, f in files if p.endswith(".py") and not NOT_READ.search(p[:-3]))
        notices = [f for p, f in files if re.search(r"(^|/)(LICEN[CS]E|NOTICE|COPYING)[^/]*$", p) and f.is_file()]
        if allowed and python and name != "course-utils":
            yield name, found.version, allowed, notice(notices), python
    library = Path(sysconfig.get_path("stdlib"))
    files = [
        (str(f.relative_to(library))[:-3], f) for f in sorted(library.rglob("*.py")) if "site-packages" not in f.parts
    ]
    files = [(p, f) for p, f in files if not NOT_READ.search(p)]
    said = "Copyright (c) Python Software Foundation. All rights reserved."
    yield "python", platform.python_version(), "PSF-2.0", [said], files


def notice(files) -> list[str]:
    """The copyright lines of licence files."""
    lines = []
    for file in files:
        for line in file.read_text(encoding="utf-8", errors="replace").splitlines():
            line = " ".join(line.split()).strip("# *")
            if re.match(r"Copyright (\(c\)|©|\d)", line, re.I) and line not in lines:
                lines.append(line[:160])
    return lines[:4]


def documented(module: str, text: str):
    """(dotted name, kind, first sentence) of the public classes, functions and methods of a module's source."""

    def walk(node, path):
        for child in node.body:
            is_class = isinstance(child, ast.ClassDef)
            if not (is_class or isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef)) or child.name.startswith(
                "_"
            ):
                continue
            kind = "class" if is_class else "method" if isinstance(node, ast.ClassDef) else "function"
            if doc := ast.get_docstring(child):
                yield ".".join([*path, child.name]), kind, first_sentence(doc)
            if is_class:
                yield from walk(child, [*path, child.name])

    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return
    yield from walk(tree, [part for part in module.split("/") if part != "__init__"])


def first_sentence(doc: str) -> str:
    paragraph = " ".join(re.split(r"\n\s*\n", doc.strip())[0].split())
    sentence = re.split(r"(?<=[a-z)`][.!?])\s+(?=[A-Z])", paragraph)[0]
    return re.sub(r":\w+:`~?([^`]*)`", r"\1", sentence).replace("`", "").strip()


def readable(sentence: str) -> bool:
    """Plain prose: four words or more, mostly letters, no markup, no doctest, nothing that looks like an address."""
    letters = sum(c.isalpha() or c == " " for c in sentence)
    plain = sentence.isascii() and not re.search(r"https?:|[@\\|{}<>]|>>>|::|\.\. |--|__|TODO|(/\w+){2}", sentence)
    return plain and len(sentence.split()) >= 4 and letters > 0.85 * len(sentence) and sentence[0].isupper()


def collect():
    """Entries, one a sentence, and the packages that they are from."""
    from course_utils.local.embedding import encoder

    seen, entries, packages = set(), [], []
    for name, version, allowed, lines, files in sources():
        mine = []
        for module, file in files:
            for dotted, kind, sentence in documented(module, file.read_text(encoding="utf-8", errors="replace")):
                key = re.sub(r"\W+", " ", sentence).lower().strip()
                if key in seen or not readable(sentence) or len(encoder().tokens(sentence).ids) > LONGEST:
                    continue
                seen.add(key)
                mine.append({"id": dotted, "package": name, "kind": kind, "text": sentence})
        random.Random(name).shuffle(mine)
        entries += mine[:PER_PACKAGE]
        packages.append({"package": name, "version": version, "licence": allowed, "copyright": lines})
    unique = {entry["id"]: entry for entry in entries}
    return list(unique.values()), packages


def write_texts():
    entries, packages = collect()
    print(len(entries), "sentences of", len(packages), "packages")
    random.Random(11).shuffle(entries)
    entries, queries = entries[QUERIES:][:ENTRIES], entries[:QUERIES]
    if len(entries) < ENTRIES:
        raise SystemExit(f"Only {len(entries)} entries were found, {ENTRIES} are needed: are all layers installed?")
    entries.sort(key=lambda e: e["id"])
    for place, query in enumerate(queries):
        query["split"] = "dev" if place < QUERIES // 2 else "test"
    text = "".join(json.dumps(e) + "\n" for e in entries)
    (FOLDER / "entries.jsonl.gz").write_bytes(gzip.compress(text.encode(), 9, mtime=0))
    (FOLDER / "queries.jsonl").write_text("".join(json.dumps(q) + "\n" for q in queries), encoding="utf-8")
    used = {e["package"] for e in entries + queries}
    counts = {name: sum(e["package"] == name for e in entries) for name in used}
    kept = [p | {"entries": counts[p["package"]]} for p in packages if p["package"] in used]
    (FOLDER / "packages.json").write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    test = "\n".join(json.dumps(q, sort_keys=True) for q in queries if q["split"] == "test")
    (FOLDER / "test.sha256").write_text(hashlib.sha256(test.encode()).hexdigest() + "\n", encoding="utf-8")


def embedded(texts):
    """int8 (n, 384): each vector of length 1 times 127, rounded. Texts of one length share a run, as none is padded."""
    import numpy as np

    from course_utils.local.embedding import encoder

    model = encoder()
    lengths = [len(model.tokens(text).ids) for text in texts]
    order = sorted(range(len(texts)), key=lambda place: lengths[place])
    groups, out = [], np.empty((len(texts), 384), np.int8)
    for place in order:
        if not groups or len(groups[-1]) == 32 or lengths[groups[-1][0]] != lengths[place]:
            groups.append([])
        groups[-1].append(place)

    def run(group):
        out[group] = (model.encode([texts[p] for p in group], batch=32, threads=1) * 127).round()

    with ThreadPoolExecutor() as pool:
        for number, _ in enumerate(pool.map(run, groups), 1):
            print(f"\r{number} of {len(groups)} runs", end="", flush=True)
    print()
    return out


def write_vectors():
    import numpy as np

    entries = [json.loads(line) for line in gzip.decompress((FOLDER / "entries.jsonl.gz").read_bytes()).splitlines()]
    queries = [json.loads(line) for line in (FOLDER / "queries.jsonl").read_text(encoding="utf-8").splitlines()]
    vectors = {
        "entries": embedded([name_and_text(e) for e in entries]),
        "queries": embedded([q["text"] for q in queries]),
    }
    np.savez_compressed(FOLDER / "vectors.npz", **vectors)


def name_and_text(entry) -> str:
    """What is embedded of an entry: its own name, and the sentence."""
    return f"{entry['id'].rsplit('.', 1)[-1]}: {entry['text']}"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--texts-only", action="store_true", help="do not embed")
    only = parser.parse_args().texts_only
    write_texts()
    if not only:
        write_vectors()
