"""With COURSE_PROVIDER set, chat_model reaches that provider by its own genuine client, and the call is metered."""

import pytest

from course_utils import catalogue, settings
from course_utils.chat import chat_model
from course_utils.metering import meter
from course_utils.settings import CourseError
from stand_ins import REPLY, make_app, served


@pytest.fixture(scope="module")
def stand_in():
    app = make_app()
    with served(app) as url:
        yield url, app.state.asked


ADDRESS = {  # provider -> the option by which its integration takes another address
    "anthropic": lambda url: {"base_url": url},
    "openai": lambda url: {"base_url": url + "/v1"},
    "google_genai": lambda url: {"base_url": url},
    "cohere": lambda url: {"base_url": url},
    "huggingface": lambda url: {"endpoint_url": url, "repo_id": None},
    "ollama": lambda url: {"base_url": url},
}


@pytest.mark.parametrize("name", ADDRESS)
def test_each_provider_is_reached_by_its_own_client(name, stand_in, monkeypatch):
    url, asked = stand_in
    monkeypatch.setenv("COURSE_PROVIDER", name)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)  # as in a process that began with it
    if settings.PROVIDERS[name]:
        monkeypatch.setenv(settings.PROVIDERS[name], "test-key")
    before = len(meter.session)
    reply = chat_model("small", **ADDRESS[name](url)).invoke("How long do I have to return a lamp?")
    assert reply.content == REPLY or REPLY in str(reply.content)
    assert "lamp" in str(asked[-1][1])
    calls = meter.session[before:]
    assert [c.source for c in calls] == ["hosted"] and calls[0].output_tokens == 4
    if name not in ("huggingface", "ollama"):
        assert calls[0].model == catalogue.TIERS["small"].hosted[name] and calls[0].cost > 0


def test_sentences_for_what_is_missing(monkeypatch):
    with pytest.raises(CourseError, match="nano, small, large"):
        chat_model("huge")
    monkeypatch.setenv("COURSE_PROVIDER", "skynet")
    with pytest.raises(CourseError, match="anthropic, openai"):
        chat_model("small")
    monkeypatch.setenv("COURSE_PROVIDER", "openai")
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(CourseError, match="OPENAI_API_KEY"):
        chat_model("small")
    monkeypatch.setenv("OPENAI_API_KEY", "x")
    monkeypatch.setitem(__import__("sys").modules, "langchain_openai", None)
    with pytest.raises(CourseError, match="pip install langchain-openai"):
        chat_model("small")
