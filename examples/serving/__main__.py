"""python examples/serving [--port 8000] [--model nano] [--slots 2]: serve until Ctrl-C or SIGTERM."""

import argparse
import sys
from pathlib import Path

if __package__ in (None, ""):
    sys.path[:0] = [str(Path(__file__).resolve().parent.parent), str(Path(__file__).resolve().parent.parent.parent)]

from serving.app import create_app, off_the_loop  # noqa: E402
from serving.models import Embedder, LanguageServer  # noqa: E402
from serving.server import configure  # noqa: E402


def main(arguments=None) -> None:
    parser = argparse.ArgumentParser(prog="python examples/serving", description="Serve the course's models.")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--model", default="", help="a tier for /v1/chat/completions: nano or small (default: none)")
    parser.add_argument("--slots", type=int, default=2, help="chats at a time (2)")
    parser.add_argument("--most", type=int, default=16, help="texts in a batch (16)")
    parser.add_argument("--active", type=int, default=32, help="requests at work (32)")
    parser.add_argument("--waiting", type=int, default=32, help="requests in line before 429 (32)")
    parser.add_argument("--full", action="store_true", help="embed with float32 weights")
    options = parser.parse_args(arguments)
    embedder = Embedder("full" if options.full else "int8")
    llm = LanguageServer(options.model, options.slots) if options.model else None
    app = create_app(
        off_the_loop(embedder),
        embedder.tokens,
        most=options.most,
        active=options.active,
        waiting=options.waiting,
        llm=llm,
    )
    print(f"http://127.0.0.1:{options.port}/v1   (Ctrl-C stops)", flush=True)
    configure(app, options.port).run()


if __name__ == "__main__":
    main()
