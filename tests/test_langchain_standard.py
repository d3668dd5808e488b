"""LangChain's own standard suites: its chat suite on the provider's mock, its embeddings and vector-store suites on MiniLM."""

import pytest
from langchain_chroma import Chroma
from langchain_core.vectorstores import VectorStore
from langchain_openai import ChatOpenAI
from langchain_tests.integration_tests import ChatModelIntegrationTests, EmbeddingsIntegrationTests, VectorStoreIntegrationTests
from langchain_tests.unit_tests import ChatModelUnitTests, EmbeddingsUnitTests

from course_utils import embedding_model, provider

Embeddings = type(embedding_model())


@pytest.fixture(autouse=True)
def mocks():
    with provider.mock():
        yield


class _OnTheProvider:
    @property
    def chat_model_class(self):
        return ChatOpenAI

    @property
    def chat_model_params(self):
        return {"model": "small", "stream_usage": True, **provider.client_options()}

    # the vision models answer about pictures, PDF and audio parts are refused: those tests are skipped by these settings
    supports_image_inputs = False
    supports_pdf_inputs = False
    supports_audio_inputs = False


class TestChatUnit(_OnTheProvider, ChatModelUnitTests):
    pass


class TestChat(_OnTheProvider, ChatModelIntegrationTests):
    pass


class TestEmbeddingsUnit(EmbeddingsUnitTests):
    embeddings_class = Embeddings
    embedding_model_params = {}


class TestEmbeddings(EmbeddingsIntegrationTests):
    embeddings_class = Embeddings
    embedding_model_params = {}


class TestChroma(VectorStoreIntegrationTests):
    @pytest.fixture()
    def vectorstore(self) -> VectorStore:
        store = Chroma("standard-tests", embedding_function=self.get_embeddings())
        store.reset_collection()
        yield store
        store.delete_collection()
