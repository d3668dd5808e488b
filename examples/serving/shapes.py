"""OpenAI's shapes: what a request may hold, and how answers and errors look."""

import base64
from typing import Literal

import numpy as np
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

MOST_TEXTS, LONGEST = 256, 20_000  # texts in a request, characters in a text
Text = str


class EmbeddingRequest(BaseModel):
    """The body of /v1/embeddings."""

    model: str
    input: Text | list[Text] = Field(description="a text or a list of texts")
    encoding_format: Literal["float", "base64"] = "float"
    dimensions: Literal[384] | None = None
    user: str | None = None

    def texts(self) -> list[str]:
        """The texts as a list. ValueError for an empty or an endless one."""
        texts = [self.input] if isinstance(self.input, str) else self.input
        if not 1 <= len(texts) <= MOST_TEXTS:
            raise ValueError(f"input has {len(texts)} texts; send 1 to {MOST_TEXTS}.")
        for number, text in enumerate(texts):
            if not text.strip() or len(text) > LONGEST:
                raise ValueError(f"Text {number} of input is empty or longer than {LONGEST} characters.")
        return texts


class ChatRequest(BaseModel):
    """The part of /v1/chat/completions that the server itself looks at; the rest goes on as it came."""

    model_config = ConfigDict(extra="allow")
    model: str
    messages: list[dict] = Field(min_length=1)
    stream: bool = False
    max_tokens: int | None = Field(default=None, ge=1, le=4096)


def embeddings(vectors, model: str, tokens: int, encoding: str) -> dict:
    """The answer of /v1/embeddings: float32 vectors (n, 384) as numbers, or as base64 of their bytes."""
    if encoding == "base64":
        rows = [base64.b64encode(np.asarray(v, "<f4").tobytes()).decode("ascii") for v in vectors]
    else:
        rows = [[float(x) for x in v] for v in vectors]
    data = [{"object": "embedding", "index": i, "embedding": row} for i, row in enumerate(rows)]
    return {"object": "list", "data": data, "model": model, "usage": {"prompt_tokens": tokens, "total_tokens": tokens}}


def error(status: int, message: str, code: str | None = None, retry_after: int | None = None) -> JSONResponse:
    """An error as OpenAI's clients expect it; they read Retry-After."""
    kind = {429: "rate_limit_exceeded", 503: "service_unavailable", 500: "server_error", 502: "server_error"}
    body = {"message": message, "type": kind.get(status, "invalid_request_error"), "param": None, "code": code}
    headers = {"Retry-After": str(retry_after)} if retry_after is not None else None
    return JSONResponse({"error": body}, status, headers=headers)
