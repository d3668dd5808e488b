"""What the server tells Prometheus, in a registry of its own, so that two servers in a process do not mix."""

import time

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Metrics:
    """Requests by route and status, their seconds, who is inside, sizes of batches, tokens."""

    def __init__(self):
        self.registry = CollectorRegistry()
        named = {"registry": self.registry}
        self.requests = Counter("requests", "Requests, by route and status", ["route", "status"], **named)
        self.seconds = Histogram("request_seconds", "From request to answer", ["route"], buckets=SECONDS, **named)
        self.inside = Gauge("requests_inside", "At work or in line", ["route"], **named)
        self.batch = Histogram("batch_size", "Texts in one run of the model", buckets=(1, 2, 4, 8, 16, 32, 64), **named)
        self.tokens = Counter("tokens", "Tokens read and written", ["route"], **named)

    def text(self) -> bytes:
        """All figures in Prometheus' text format."""
        return generate_latest(self.registry)


class Measured:
    """ASGI middleware: counts and times each request to the routes, a stream to its end. 499: the client left.

    The header openai-processing-ms, OpenAI's own, tells the client how long the server took until it began to answer.
    """

    def __init__(self, app, metrics: Metrics, routes: tuple[str, ...]):
        self.app, self.metrics, self.routes = app, metrics, routes

    async def __call__(self, scope, receive, send):
        route = scope.get("path", "")
        if scope["type"] != "http" or route not in self.routes:
            return await self.app(scope, receive, send)
        status, begun = 499, time.perf_counter()

        async def note(message):
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                spent = f"{1000 * (time.perf_counter() - begun):.1f}".encode()
                message["headers"] = [*message.get("headers", []), (b"openai-processing-ms", spent)]
            await send(message)

        try:
            await self.app(scope, receive, note)
        except Exception:
            status = 500
            raise
        finally:
            self.metrics.requests.labels(route, status).inc()
            self.metrics.seconds.labels(route).observe(time.perf_counter() - begun)
