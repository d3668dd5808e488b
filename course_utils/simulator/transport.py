"""An httpx transport, for synchronous and asynchronous clients alike, that calls an ASGI app in this process.

Unlike httpx.ASGITransport it hands on each chunk when it is sent, keeps the request's read timeout, and serves
synchronous clients, on the clock in use. An asynchronous client runs the app on the loop that awaits it.
"""

import asyncio
import contextlib

from ..clock import ClockError, call


def app_transport(app, httpx=None):
    """A transport for httpx.Client and httpx.AsyncClient alike. For SDKs built on httpx2 pass that module."""
    if httpx is None:
        import httpx

    class Exchange(httpx.AsyncByteStream, httpx.SyncByteStream):
        """A request to the app, and the body of its response."""

        more = True

        def __init__(self, request, body):
            self.request = request
            self.limit = request.extensions.get("timeout", {}).get("read")
            self.unread = [{"type": "http.request", "body": body, "more_body": False}]
            self.messages = asyncio.Queue()

        async def start(self):
            request, url = self.request, self.request.url
            scope = {
                "type": "http",
                "asgi": {"version": "3.0"},
                "http_version": "1.1",
                "method": request.method,
                "headers": [(k.lower(), v) for k, v in request.headers.raw],
                "scheme": url.scheme,
                "path": url.path,
                "raw_path": url.raw_path.split(b"?")[0],
                "query_string": url.query,
                "root_path": "",
                "server": (url.host, url.port or 80),
                "client": ("127.0.0.1", 1),
            }
            self.task = asyncio.create_task(app(scope, self.receive, self.messages.put))
            self.task.add_done_callback(lambda _: self.messages.put_nowait(None))
            try:
                head = await self.message()
            except BaseException:
                self.task.cancel()
                raise
            return httpx.Response(head["status"], headers=head["headers"], stream=self)

        async def receive(self):
            return self.unread.pop() if self.unread else await asyncio.Event().wait()

        async def message(self):
            try:
                async with asyncio.timeout(self.limit):
                    message = await self.messages.get()
            except TimeoutError:
                raise httpx.ReadTimeout(f"Nothing came for {self.limit} s.", request=self.request) from None
            if message is None:  # the app is done, but its response is not
                failure = None if self.task.cancelled() else self.task.exception()
                if failure and not isinstance(failure, ConnectionError):
                    raise failure
                raise httpx.RemoteProtocolError("Incomplete response.", request=self.request)
            return message

        async def chunk(self):
            message = await self.message()
            self.more = message.get("more_body", False)
            return message.get("body", b"")

        async def __aiter__(self):
            while self.more:
                yield await self.chunk()

        def __iter__(self):
            while self.more:
                yield call(self.chunk())

        async def aclose(self):
            if self.more:  # the client has given up
                self.task.cancel()

        def close(self):
            if self.more:
                with contextlib.suppress(ClockError):  # when the garbage collector calls this on the loop's thread
                    call(self.aclose())

    class AppTransport(httpx.AsyncBaseTransport, httpx.BaseTransport):
        async def handle_async_request(self, request):
            return await Exchange(request, await request.aread()).start()

        def handle_request(self, request):
            return call(Exchange(request, request.read()).start())

    return AppTransport()
