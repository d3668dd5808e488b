"""Stand-ins for hosted providers: the smallest HTTP answers their genuine clients accept, over loopback, for tests."""

import contextlib
import json
import threading

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, StreamingResponse
from starlette.routing import Route

REPLY = "Forty-five days."


def _openai(model):
    message = {"role": "assistant", "content": REPLY}
    usage = {"prompt_tokens": 11, "completion_tokens": 4, "total_tokens": 15}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    return {"id": "x", "object": "chat.completion", "created": 0, "model": model, "choices": [choice], "usage": usage}


def _anthropic(model):
    content, usage = [{"type": "text", "text": REPLY}], {"input_tokens": 11, "output_tokens": 4}
    head = {"id": "m", "type": "message", "role": "assistant", "model": model, "stop_reason": "end_turn"}
    return head | {"stop_sequence": None, "content": content, "usage": usage}


def _google():
    candidate = {"content": {"role": "model", "parts": [{"text": REPLY}]}, "finishReason": "STOP", "index": 0}
    usage = {"promptTokenCount": 11, "candidatesTokenCount": 4, "totalTokenCount": 15}
    return {"candidates": [candidate], "usageMetadata": usage}


def _cohere():
    message = {"role": "assistant", "content": [{"type": "text", "text": REPLY}]}
    usage = {
        "billed_units": {"input_tokens": 11, "output_tokens": 4},
        "tokens": {"input_tokens": 11, "output_tokens": 4},
    }
    return {"id": "c", "finish_reason": "COMPLETE", "message": message, "usage": usage}


def _ollama(model):
    head = {"model": model, "created_at": "2026-01-01T00:00:00Z"}
    counts = {"done": True, "done_reason": "stop", "prompt_eval_count": 11, "eval_count": 4, "total_duration": 1}
    return [head | {"message": {"role": "assistant", "content": REPLY}, "done": False},
            head | {"message": {"role": "assistant", "content": ""}} | counts]  # fmt: skip


def make_app():
    """The app; `app.asked` lists (path, body) of each request."""
    asked = []

    async def answer(request: Request):
        body = json.loads(await request.body())
        path = request.url.path
        asked.append((path, body))
        if path.endswith("/chat/completions"):
            return JSONResponse(_openai(body["model"]))
        if path.endswith("/messages"):
            return JSONResponse(_anthropic(body["model"]))
        if ":generateContent" in path:
            return JSONResponse(_google())
        if path == "/v2/chat":
            return JSONResponse(_cohere())
        if path == "/api/chat":
            rows = _ollama(body["model"])
            return StreamingResponse((json.dumps(r) + "\n" for r in rows), media_type="application/x-ndjson")
        return JSONResponse({"error": f"no stand-in for {path}"}, 404)

    app = Starlette(routes=[Route("/{path:path}", answer, methods=["POST"])])
    app.state.asked = asked
    return app


@contextlib.contextmanager
def served(app):
    """Serve an app on a free loopback port; yields its address."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        thread.join(0.01)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
