"""uvicorn around the application: started on a port, drained, stopped; in a thread for notebooks and tests."""

import contextlib
import socket
import threading

import uvicorn


class Server(uvicorn.Server):
    """uvicorn, but on SIGTERM and Ctrl-C the gates close first: who is inside finishes, nobody new gets in."""

    def handle_exit(self, sig, frame):
        self.config.app.state.serving.close()
        super().handle_exit(sig, frame)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def configure(app, port: int, patience: int = 30) -> Server:
    """A server for an application on 127.0.0.1. patience: seconds that requests have to end when it is stopped."""
    config = uvicorn.Config(
        app, host="127.0.0.1", port=port, log_level="warning", access_log=False, timeout_graceful_shutdown=patience
    )
    return Server(config)


class Served:
    """An application served from a thread of this process: `url`, a context manager, `close()`."""

    def __init__(self, app, port: int = 0, patience: int = 30):
        port = port or free_port()
        self.url, self.app = f"http://127.0.0.1:{port}", app
        self._server = configure(app, port, patience)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        while not self._server.started and self._thread.is_alive():
            self._thread.join(0.01)
        if not self._server.started:
            raise OSError(f"The server did not start on port {port}: is it taken?")

    def _run(self):
        with contextlib.suppress(SystemExit):  # uvicorn's way to say that it could not start
            self._server.run()

    def close(self) -> None:
        """Let requests end, then stop."""
        self._server.handle_exit(None, None)
        self._thread.join()

    __enter__ = lambda self: self  # noqa: E731

    def __exit__(self, *_):
        self.close()
