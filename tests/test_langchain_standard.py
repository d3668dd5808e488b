"""LangChain's own standard suites: chat on the provider's mock, embeddings and vector stores on MiniLM.

COURSE_REPLIES=auto COURSE_SUITE=real asks the real *small* in place of its mock (-k Chat: 52 passed, 8 skipped, 143 s on
a busy machine, November 2026).
"""

import contextlib
import inspect
import os

import pytest
from langchain_chroma import Chroma
from langchain_core.vectorstores import VectorStore
from langchain_openai import ChatOpenAI
from langchain_tests.integration_tests import (
    ChatModelIntegrationTests,
    EmbeddingsIntegrationTests,
    VectorStoreIntegrationTests,
)
from langchain_tests.unit_tests import ChatModelUnitTests, EmbeddingsUnitTests

from course_utils import embedding_model, provider

Embeddings = type(embedding_model())
pytestmark = [
    pytest.mark.filterwarnings("ignore:Pydantic serializer warnings"),  # langchain-openai's, on its own `parsed` field
    pytest.mark.filterwarnings("ignore:Received a Pydantic BaseModel V1 schema"),  # the suite tries an old schema too
]


@pytest.fixture(autouse=True)
def mocks():
    with contextlib.nullcontext() if os.environ.get("COURSE_SUITE") == "real" else provider.mock():
        yield


@pytest.fixture
def snapshot():
    pytest.skip("serialisation: compares with a stored snapshot, by a plugin that is switched off")


@pytest.fixture
def benchmark():
    pytest.skip("VCR and timing: by plugins that are switched off")


def asynchronous(suite):
    """Mark a suite's coroutine tests: it expects pytest-asyncio's auto mode, which would claim every other test too."""
    for name, test in inspect.getmembers(suite, inspect.iscoroutinefunction):
        if name.startswith("test_"):
            setattr(suite, name, pytest.mark.asyncio(test))
    return suite


class _OnTheProvider:
    @property
    def chat_model_class(self):
        return ChatOpenAI

    @property
    def chat_model_params(self):
        return {"model": "small", "stream_usage": True, **provider.client_options()}

    supports_json_mode = True
    supports_anthropic_inputs = True
    model_override_value = "large"
    # Vision models answer about pictures, PDF and audio parts are refused: these settings skip those tests.
    supports_image_inputs = False
    supports_pdf_inputs = False
    supports_audio_inputs = False


@asynchronous
class TestChatUnit(_OnTheProvider, ChatModelUnitTests):
    init_from_env_params = {"OPENAI_API_KEY": "x"}, {"model": "small"}, {"openai_api_key": "x"}


@asynchronous
class TestChat(_OnTheProvider, ChatModelIntegrationTests):
    pass


@asynchronous
class TestEmbeddingsUnit(EmbeddingsUnitTests):
    embeddings_class = Embeddings
    embedding_model_params = {}


@asynchronous
class TestEmbeddings(EmbeddingsIntegrationTests):
    embeddings_class = Embeddings
    embedding_model_params = {}


@asynchronous
class TestChroma(VectorStoreIntegrationTests):
    @pytest.fixture()
    def vectorstore(self) -> VectorStore:
        store = Chroma("standard-tests", embedding_function=self.get_embeddings())
        store.reset_collection()
        yield store
        store.delete_collection()
