"""An app with settable latencies, for the clock's own tests; `scale` shrinks its latencies."""

import asyncio
import json

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, StreamingResponse

REPLY = "The answer is forty two .".split()


def make_app(scale=1.0):
    app = FastAPI()
    app.log = []
    app.faults = []  # popped one a request: (status, headers)

    def now():
        return asyncio.get_running_loop().time() / scale

    def sleep(seconds):
        return asyncio.sleep(seconds * scale)

    # model names: sim-1 takes 1 s; sim-0.2-0.05 has TTFT 0.2 and 0.05 between tokens
    def latency(model):
        parts = [float(p) for p in model.split("sim-")[1].split("-")] + [0.0]
        return parts[0], parts[1]

    async def answer(request, whole, stream):
        body = await request.json()
        entry = {"model": body["model"], "start": now(), "stream": bool(body.get("stream")), "status": None}
        app.log.append(entry)
        first, between = latency(body["model"])
        if app.faults:
            status, headers = app.faults.pop(0)
            entry.update(status=status, end=now())
            return JSONResponse({"error": {"message": "fault", "type": "x", "code": None}}, status, headers)
        try:
            if body.get("stream"):
                return StreamingResponse(stream(body, entry, first, between), media_type="text/event-stream")
            await sleep(first + between * (len(REPLY) - 1))
            entry["status"] = 200
            return whole(body)
        except asyncio.CancelledError:
            entry["status"] = 499
            raise
        finally:
            if not entry["stream"]:
                entry["end"] = now()

    def openai_whole(body):
        message = {"role": "assistant", "content": " ".join(REPLY)}
        return {
            "id": "x", "object": "chat.completion", "created": 0, "model": body["model"],
            "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 10, "completion_tokens": 6, "total_tokens": 16},
        }  # fmt: skip

    async def openai_stream(body, entry, first, between):
        try:
            await sleep(first)
            for i, word in enumerate(REPLY):
                if i:
                    await sleep(between)
                chunk = {"id": "x", "object": "chat.completion.chunk", "created": 0, "model": body["model"]}
                delta = {"index": 0, "delta": {"content": word + " "}, "finish_reason": None}
                yield f"data: {json.dumps(chunk | {'choices': [delta]})}\n\n"
            done = {"index": 0, "delta": {}, "finish_reason": "stop"}
            yield f"data: {json.dumps(chunk | {'choices': [done]})}\n\ndata: [DONE]\n\n"
            entry["status"] = 200
        except BaseException:
            entry["status"] = 499
            raise
        finally:
            entry["end"] = now()

    @app.post("/v1/chat/completions")
    async def chat(request: Request):
        return await answer(request, openai_whole, openai_stream)

    @app.post("/v1/messages")
    async def messages(request: Request):
        def whole(body):
            return {
                "id": "m", "type": "message", "role": "assistant", "model": body["model"], "stop_reason": "end_turn",
                "stop_sequence": None, "content": [{"type": "text", "text": " ".join(REPLY)}],
                "usage": {"input_tokens": 10, "output_tokens": 6},
            }  # fmt: skip

        return await answer(request, whole, None)

    return app
