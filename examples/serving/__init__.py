"""A server of the course's models in files that can each be read in one go. `python examples/serving --port 8000`.

batching.py   what waits together is computed together
gate.py       how many may be inside, and what the others are told
metrics.py    what Prometheus collects
models.py     the embedding model, and llama.cpp's own server for a language model
app.py        the routes, in OpenAI's protocol
server.py     uvicorn around them: ready, draining, gone
load.py       a load generator, open and closed, and percentiles
"""
