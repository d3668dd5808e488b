"""The embedding model as LangChain, LlamaIndex and Chroma want it, and the providers that COURSE_EMBEDDING may name."""

import functools
import os

from .. import clock, metering
from ..catalogue import HOSTED
from ..settings import PROVIDERS, CourseError

CLIENTS = {  # COURSE_EMBEDDING -> (LangChain's module, class, name of its key argument)
    "openai": ("langchain_openai", "OpenAIEmbeddings", "api_key"),
    "cohere": ("langchain_cohere", "CohereEmbeddings", "cohere_api_key"),
    "google_genai": ("langchain_google_genai", "GoogleGenerativeAIEmbeddings", "google_api_key"),
    "huggingface": ("langchain_huggingface", "HuggingFaceEndpointEmbeddings", "huggingfacehub_api_token"),
    "ollama": ("langchain_ollama", "OllamaEmbeddings", None),
}
MODELS = HOSTED["embedding"]


def chosen(variable: str = "COURSE_EMBEDDING", known=tuple(CLIENTS)) -> str:
    """'course', or the provider that a variable names. CourseError if it is not known."""
    name = os.environ.get(variable, "").strip().lower() or "course"
    if name != "course" and name not in known:
        raise CourseError(f"{variable}={name} is not known. Use one of: course, {', '.join(known)}.")
    return name


def key_of(name: str, variable: str) -> str | None:
    """A provider's key, None if it needs none. CourseError, with the variable to set, if it is missing."""
    if not (needed := PROVIDERS[name]):
        return None
    if not (key := os.environ.get(needed, "").strip()):
        raise CourseError(f"{variable}={name} needs a key: set {needed} in the environment or in the file .env.")
    return key


def hosted(name: str):
    """A provider's own LangChain embeddings. CourseError: missing key, integration not installed."""
    import importlib

    module, attribute, argument = CLIENTS[name]
    key = key_of(name, "COURSE_EMBEDDING")
    if name == "huggingface":  # the course keeps the hub offline, unless the learner asks for it
        os.environ["HF_HUB_OFFLINE"] = "0"
    try:
        integration = importlib.import_module(module)
    except ImportError:
        package = module.replace("_", "-")
        raise CourseError(f"COURSE_EMBEDDING={name} needs the package {package}: run pip install {package}.") from None
    return getattr(integration, attribute)(model=MODELS[name], **({argument: key} if argument else {}))


def ask(texts: list[str]) -> list[list[float]]:
    """The chosen provider's vectors, recorded once with the source 'hosted'; how many tokens it read is not told."""
    name = chosen()
    model, start = hosted(name), clock.now()
    vectors = model.embed_documents(texts)
    call = metering.Call("embedding", MODELS[name], start, clock.now(), cost=None, source="hosted")
    call.step = metering.current_step()
    metering.meter.add(call)
    return vectors


@functools.cache
def langchain_class():
    """A LangChain Embeddings class around `embed`; made when it is first asked for."""
    import asyncio

    from langchain_core.embeddings import Embeddings

    from .embedding import embed

    class CourseEmbeddings(Embeddings):
        """all-MiniLM-L6-v2 for LangChain, metered."""

        def embed_documents(self, texts: list[str]) -> list[list[float]]:
            return embed(texts).tolist()

        def embed_query(self, text: str) -> list[float]:
            return embed(text).tolist()

        async def aembed_documents(self, texts: list[str]) -> list[list[float]]:
            return await asyncio.to_thread(self.embed_documents, texts)

        async def aembed_query(self, text: str) -> list[float]:
            return await asyncio.to_thread(self.embed_query, text)

    return CourseEmbeddings


@functools.cache
def llama_index_class():
    """A LlamaIndex BaseEmbedding class around `embed`; made when it is first asked for."""
    import asyncio

    from llama_index.core.base.embeddings.base import BaseEmbedding

    from .embedding import embed

    class CourseEmbedding(BaseEmbedding):
        """all-MiniLM-L6-v2 for LlamaIndex, metered."""

        def _get_text_embeddings(self, texts):
            return embed(texts).tolist()

        def _get_text_embedding(self, text):
            return embed(text).tolist()

        _get_query_embedding = _get_text_embedding

        async def _aget_text_embeddings(self, texts):
            return await asyncio.to_thread(self._get_text_embeddings, texts)

        async def _aget_text_embedding(self, text):
            return await asyncio.to_thread(self._get_text_embedding, text)

        _aget_query_embedding = _aget_text_embedding

    return CourseEmbedding


@functools.cache
def chroma_class():
    """A Chroma EmbeddingFunction class, registered under its name around `embed`; made when it is first asked for."""
    from chromadb import EmbeddingFunction
    from chromadb.utils.embedding_functions import register_embedding_function

    from .embedding import embed

    @register_embedding_function
    class CourseEmbeddingFunction(EmbeddingFunction):
        """all-MiniLM-L6-v2 for Chroma, metered."""

        def __init__(self):
            """It has no settings."""

        def __call__(self, input):
            return list(embed(list(input)))

        @staticmethod
        def name():
            return "course-minilm"

        @staticmethod
        def build_from_config(config):
            return CourseEmbeddingFunction()

        def get_config(self):
            return {}

        def default_space(self):
            return "cosine"

    return CourseEmbeddingFunction
