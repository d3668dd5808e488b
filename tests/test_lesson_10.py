"""Lesson 10: its measurements say where and when, its figures follow from them, its services are short, Ray's classes."""

import ast
import json
import math
import re
from pathlib import Path

import nbformat
import pytest

from course_utils.checks import lesson_10

ROOT = Path(__file__).resolve().parent.parent
MEASURED = sorted((ROOT / "data" / "measurements").glob("serving_*.json"))
LESSON = ROOT / "notebooks" / "10_serving.ipynb"
RAY = ROOT / "notebooks" / "further" / "10_ray.ipynb"


def measured(name):
    return json.loads((ROOT / "data" / "measurements" / f"serving_{name}.json").read_text(encoding="utf-8"))


def sources(path):
    return [cell.source for cell in nbformat.read(path, 4).cells if cell.cell_type == "code"]


# ---- measurements


def test_each_measurement_has_its_benchmark_machine_date_and_load():
    assert {file.stem for file in MEASURED} == {
        f"serving_{n}" for n in ("embedding", "llm", "overload", "chain", "ray")
    }
    for file in MEASURED:
        figures = json.loads(file.read_text(encoding="utf-8"))
        assert (ROOT / "benchmarks" / f"{file.stem}.py").is_file()
        assert figures["machine"] and re.fullmatch(r"\d{4}-\d\d-\d\d", figures["date"])
        loads = figures["load_average"] if "load_average" in figures else figures["tiers"]["nano"]["load_average"]
        assert len(loads) == 2


def test_batches_of_1_to_64_and_16_clients_in_full_precision():
    figures = measured("embedding")
    sizes = {row["batch"] for row in figures["batches"]}
    assert sizes == {1, 2, 4, 8, 16, 32, 64} and figures["clients"] == 16 and "float32" in figures["what"]
    one, many = figures["served"].values()
    ratios = [round(b["a_second"] / a["a_second"], 2) for a, b in zip(one, many, strict=True)]
    assert ratios == figures["ratio_a_turn"] and min(ratios) <= figures["ratio"] <= max(ratios)
    assert all(row["lost"] == row["shed"] == 0 for row in one + many)


def test_slots_of_1_2_and_4_and_a_prompt_cache_that_remembers():
    figures = measured("llm")["tiers"]["nano"]
    assert {(row["threads"], row["slots"]) for row in figures["slots"]} == {(t, s) for t in (1, 2) for s in (1, 2, 4)}
    assert figures["clients"] == 4 and figures["throughput_against_one_slot"]["1"]["1"] == 1
    for row in figures["prompt_cache"]:
        assert 0.8 * row["prompt_tokens"] < row["cached"] < row["prompt_tokens"]
        assert row["remembered"] < row["anew"]


def test_at_four_times_the_load_the_gate_loses_none_and_bounds_the_wait():
    figures = measured("overload")
    rows = {(row["server"], row["load"]): row for row in figures["rows"]}
    gate, door = rows["gate", 4.0], rows["open door", 4.0]
    assert gate["lost"] == door["lost"] == 0 and gate["shed"] > gate["sent"] / 2
    assert gate["answered"] + gate["shed"] == gate["sent"]
    places = figures["active"] + figures["waiting"]
    assert gate["p99"] < 1.5 * places / gate["a_second"] and door["p99"] > 4 * gate["p99"]


def test_the_served_chain_adds_up():
    for figures in measured("chain")["users"].values():
        assert sum(figures["share_of_time"].values()) == pytest.approx(1, abs=0.001)
        for part, share in figures["share_of_time"].items():
            total = sum(sum(row.values()) for row in figures["rows"])
            assert share == pytest.approx(sum(row[part] for row in figures["rows"]) / total, abs=0.001)


def test_ray_grew_to_two_replicas_and_left_no_process():
    figures = measured("ray")
    assert figures["replicas"] == 2 and figures["left"] == [] and 500 < figures["mib"] < 4000


# ---- queues


def test_the_formula_of_exercise_3_by_hand_and_for_one_server():
    for load, wait in ((0.5, 1), (0.8, 4), (0.9, 9)):
        assert lesson_10._wait(1, load) == pytest.approx(wait)
    # two servers, load 1/2: offered 1; chance of waiting 1/3, wait 1/3 / (2 * 1/2)
    assert lesson_10._wait(2, 0.5) == pytest.approx(1 / 3)
    waits = [lesson_10._wait(servers, 0.9) for servers in (1, 2, 4, 8)]
    assert waits == sorted(waits, reverse=True) and math.isclose(waits[2], 1.97, abs_tol=0.01)


# ---- code


@pytest.mark.parametrize("file", sorted((ROOT / "examples" / "serving").glob("*.py")), ids=lambda f: f.name)
def test_the_services_files_can_be_read_in_one_go(file):
    assert len(file.read_text(encoding="utf-8").splitlines()) < 200


def test_the_notebooks_classes_are_those_of_the_benchmark():
    def classes(text):
        return {node.name: ast.unparse(node) for node in ast.parse(text).body if isinstance(node, ast.ClassDef)}

    shown = {name: text for source in sources(RAY) for name, text in classes(source).items()}
    kept = classes((ROOT / "examples" / "serving" / "replicas.py").read_text(encoding="utf-8"))
    assert shown == kept and set(kept) == {"Model", "Front"}


def test_measuring_anew_is_off_in_what_is_committed():
    cells = [c for c in nbformat.read(LESSON, 4).cells if "measured-here" in c.metadata.get("tags", [])]
    assert cells and all("measure_here = False" in cell.source for cell in cells)
