"""Files of local models: found, checked, and loaded within a budget."""

import threading

import pytest

from course_utils.local import store
from course_utils.settings import CourseError

EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"  # sha256 of nothing


@pytest.fixture(autouse=True)
def fresh(monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(store, "_sums", {})
    store.forget()
    yield
    store.forget()


@pytest.fixture
def package(monkeypatch, tmp_path):
    folder = tmp_path / "some_weights"
    (folder / "model").mkdir(parents=True)
    (folder / "__init__.py").write_text("raise RuntimeError('imported')", encoding="utf-8")
    for name in ("b.bin", "a.bin"):
        (folder / "model" / name).write_bytes(name.encode())
    monkeypatch.syspath_prepend(tmp_path)
    return folder


def test_a_packages_file_is_found_without_importing_the_package(package):
    assert store.package_file("some-weights", "model/b.bin") == package / "model" / "b.bin"
    assert store.package_file("some_weights", "**/*.bin").name == "a.bin"


def test_what_is_missing_is_named_with_its_fix(package):
    with pytest.raises(CourseError, match=r"package no_such_thing is not installed: run make lab"):
        store.package_file("no_such_thing", "x.bin")
    with pytest.raises(CourseError, match=r"package no_such.thing is not installed"):
        store.package_file("no_such.thing", "x.bin")
    with pytest.raises(CourseError, match=r"no file model/c.bin: install it again with make repair"):
        store.package_file("some_weights", "model/c.bin")


def test_a_damaged_or_missing_file_is_refused(tmp_path):
    file = tmp_path / "model.bin"
    with pytest.raises(CourseError, match="is missing"):
        store.checked(file, EMPTY)
    file.write_bytes(b"")
    assert store.checked(file, EMPTY) == file
    file.write_bytes(b"x")
    with pytest.raises(CourseError, match="is damaged"):
        store.checked(file, EMPTY)


def test_a_hash_is_computed_once_and_remembered_by_the_next_process(tmp_path, monkeypatch):
    file = tmp_path / "model.bin"
    file.write_bytes(b"weights")
    first = store.fingerprint(file)
    monkeypatch.setattr(store.hashlib, "file_digest", lambda *_: pytest.fail("computed again"))
    assert store.fingerprint(file) == first
    store._sums.clear()  # as in the next process
    assert store.fingerprint(file) == first


def test_a_spoilt_memory_of_hashes_is_no_obstacle(tmp_path):
    file = tmp_path / "model.bin"
    file.write_bytes(b"")
    for spoilt in ("{", "[1]", '{"x": 3}'):
        store.cache().joinpath("hashes.json").write_text(spoilt, encoding="utf-8")
        store._sums.clear()
        assert store.checked(file, EMPTY) == file


def test_the_least_recently_used_model_makes_way():
    for name in ("a", "b"):
        store.keep(name, lambda name=name: name.upper(), mib=200)
    assert store.keep("a", lambda: pytest.fail("loaded again"), mib=200) == "A"
    store.keep("c", lambda: "C", mib=200)
    assert store.kept() == {"a": 200, "c": 200}
    store.keep("huge", lambda: "H", mib=900)  # alone, if it must be
    assert list(store.kept()) == ["huge"]


def test_forget_lets_go_of_one_or_of_all():
    for name in ("a", "b", "c"):
        store.keep(name, object, mib=1)
    store.forget("b")
    store.forget("never there")
    assert list(store.kept()) == ["a", "c"]
    store.forget()
    assert store.kept() == {}


def test_a_load_that_fails_is_tried_again():
    def broken():
        raise CourseError("no luck")

    with pytest.raises(CourseError, match="no luck"):
        store.keep("a", broken, mib=1)
    assert store.keep("a", lambda: "A", mib=1) == "A"


def test_of_many_threads_one_loads():
    loads, together = [], threading.Barrier(8)
    models = []

    def load():
        loads.append(1)
        return object()

    def use():
        together.wait()
        models.append(store.keep("a", load, mib=1))

    threads = [threading.Thread(target=use) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(loads) == 1 and len(set(map(id, models))) == 1


def test_a_model_may_load_another_one():
    outer = store.keep("outer", lambda: [store.keep("inner", lambda: "inner", mib=1)], mib=1)
    assert outer == ["inner"] and set(store.kept()) == {"outer", "inner"}
