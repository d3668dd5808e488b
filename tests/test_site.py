"""The site and the slides that teachers build: no broken link, no request, no barrier (the long pass)."""

import importlib.util
import shutil
from pathlib import Path
from xml.etree import ElementTree

import nbformat
import pytest

import build_site
import diagrams
import notebooks
import slides
from course_utils import settings
from course_utils.doctor import NEEDS

pytestmark = pytest.mark.long
LESSON = notebooks.ROOT / "notebooks" / "02_retrieval.ipynb"


def need(condition, what):
    if not condition:
        (pytest.fail if settings.strict() else pytest.skip)(f"{what} is not installed")


@pytest.fixture(scope="module")
def lessons():
    need(importlib.util.find_spec("myst_nb") and importlib.util.find_spec("sphinx_revealjs"), "the layer 'site'")
    return {path: nbformat.read(path, 4) for path in notebooks.find([])}


@pytest.fixture(scope="module")
def site(lessons, tmp_path_factory):
    out = tmp_path_factory.mktemp("site") / "site"
    return out, build_site.build(out, lessons, {})


@pytest.fixture(scope="module")
def browser():
    program = next(filter(None, map(shutil.which, NEEDS["chromium"].programs)), None)
    need(program, "chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def page(browser):
    page = browser.new_page(viewport={"width": 1200, "height": 800})
    page.asked = []
    page.on("request", lambda r: None if r.url.startswith(("file:", "data:", "blob:")) else page.asked.append(r.url))
    page.on("requestfailed", lambda request: page.asked.append(request.url))
    page.on("pageerror", lambda error: page.asked.append(str(error)))
    yield page
    page.close()


def test_diagrams_are_drawn_with_their_words(lessons):
    # first of all: JupyterLab's browser cannot start while the one below is open
    need(any(map(shutil.which, NEEDS["chromium"].programs)), "chromium")
    nb = lessons[LESSON]
    drawn = diagrams.draw({LESSON: nbformat.read(LESSON, 4)})
    assert [*drawn] == diagrams.fences(nbformat.read(LESSON, 4)) and nb
    for svg, words in drawn.values():
        assert ElementTree.fromstring(svg.strip()).tag.endswith("}svg") and len(words) > 40


def test_no_link_of_the_site_is_broken(site):
    assert site[1] == []


def test_every_lesson_and_page_is_there(site, lessons):
    out, _ = site
    for path in [*lessons, *build_site.pages()]:
        assert (out / path.relative_to(build_site.ROOT).with_suffix(".html")).is_file(), path


def test_the_search_finds_a_word_of_a_lesson_without_a_server(site, page):
    page.goto(f"{(site[0] / 'search.html').as_uri()}?q=reranker")
    page.locator("#search-results li a").first.wait_for()
    assert page.locator("#search-results li a", has_text="Retrieval").count() >= 1
    assert page.asked == []


def test_no_page_has_a_barrier(site, page):
    """axe's rules on each page's article: nothing but minor remarks."""
    from axe_playwright_python.sync_playwright import Axe

    found, axe = [], Axe()
    for file in sorted(site[0].rglob("*.html")):
        if "_static" in file.parts or file.stem in ("genindex", "search"):
            continue
        page.goto(file.as_uri())
        for barrier in axe.run(page, context="article").response["violations"]:
            if barrier["impact"] != "minor":
                found.append(
                    f"{file.name}: {barrier['id']} ({len(barrier['nodes'])}): {barrier['nodes'][0]['html'][:120]}"
                )
    assert found == []


def test_a_deck_opens_without_a_network_and_holds_what_is_tagged(lessons, page, tmp_path):
    nb = lessons[LESSON]
    (deck,) = slides.build(tmp_path, {LESSON: nbformat.from_dict(nb)}, {})
    page.goto(Path(deck).as_uri())
    page.wait_for_function("window.Reveal && Reveal.isReady()")
    kinds = [c.metadata.get("slideshow", {}).get("slide_type") for c in nbformat.read(LESSON, 4).cells]
    assert page.evaluate("Reveal.getTotalSlides()") == kinds.count("slide") + kinds.count("subslide") > 20
    assert page.locator("aside.notes").count() > 10 and page.asked == []


def test_what_a_slide_shows_and_what_the_speaker_says():
    shown, said = slides.split("## A heading\n\nThe first.\n\n- a list\n\nThe second.\n\nThe third.")
    assert shown == "## A heading\n\nThe first.\n\n- a list" and said == "The second.\n\nThe third."
