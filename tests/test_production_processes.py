"""Lesson 12's service as it runs: several processes, kill -9, a real Redis, a collector of spans, the page in a browser."""

import asyncio
import contextlib
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest

import headless
import production_worker
from course_utils import provider
from course_utils.doctor import NEEDS
from course_utils.settings import ROOT
from examples.production.security import KeyRing
from examples.production.settings import Settings
from tools import need

JOBS, KILLS = 60, 10


@contextlib.contextmanager
def redis_server(folder):
    """A Redis of its own, durable, on a socket in `folder`; yields its URL."""
    need("redis")
    durable = ["--appendonly", "yes", "--appendfsync", "always", "--dir", str(folder), "--save", ""]
    path = folder / "redis.sock"
    command = [shutil.which("redis-server"), "--port", "0", "--unixsocket", str(path), *durable]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert any("eady to accept connections" in line for line in server.stdout)  # reads until it is said
            drain = threading.Thread(target=server.stdout.read, daemon=True)
            drain.start()
            yield f"unix://{path}"
        finally:
            server.terminate()
            drain.join()


@pytest.fixture(params=["sqlite", "redis"])
def store(request, tmp_path):
    if request.param == "sqlite":
        yield str(tmp_path / "jobs.sqlite")
    else:
        with redis_server(tmp_path) as url:
            yield url


class Kills:
    """Hears what workers do, over a socket, and kills one at the moments that were drawn."""

    def __init__(self, seed):
        rng = random.Random(seed)
        verbs, replies = ["think", "mail"], ["before the reply", "after the reply"]
        self.moments = [(rng.choice(verbs), rng.randint(1, 8), rng.choice(replies)) for _ in range(KILLS)]
        self.mails, self.killed, self.killed_at_mail = Counter(), asyncio.Queue(), []
        self.dead, self._seen = set(), 0

    async def hear(self, reader, writer):
        with contextlib.closing(writer), contextlib.suppress(ConnectionError):
            pid, verb, key = (await reader.readline()).decode().split() or (0, "nothing", "")  # it died as it called
            self.mails += Counter([key] * (verb == "mail"))
            if not (moment := self.moment(int(pid), verb)):
                return writer.write(b"ok\n")
            if moment == "after the reply":
                writer.write(b"ok\n")
                await writer.drain()
            os.kill(int(pid), signal.SIGKILL)
            self.killed_at_mail += [key] * (verb == "mail" and moment == "before the reply")
            await self.killed.put(int(pid))

    def moment(self, pid, verb):
        """The moment that has come, if one has. What a dead worker still said counts for none."""
        if not self.moments or pid in self.dead or verb != self.moments[0][0]:
            return None
        self._seen += 1
        if self._seen < self.moments[0][1]:
            return None
        self.dead.add(pid)
        self._seen = 0
        return self.moments.pop(0)[2]


async def killed_ten_times(store):
    """What was mailed, and the queue, after ten workers of two at a time were killed and two more ended the work."""
    kills, queue = Kills(seed=12), production_worker.queue_at(store)
    for n in range(JOBS):
        await queue.put({"n": n}, key=f"key-{n}")
    server = await asyncio.start_server(kills.hear, "127.0.0.1", 0)
    port = str(server.sockets[0].getsockname()[1])

    async def start(mode="work"):
        script = [sys.executable, production_worker.__file__, store, port, mode]
        return await asyncio.create_subprocess_exec(*script, env=os.environ | {"PYTHONPATH": str(ROOT)})

    workers = {worker.pid: worker for worker in [await start(), await start()]}
    try:
        for _ in range(KILLS):
            worker = workers.pop(await kills.killed.get())
            assert await worker.wait() == -signal.SIGKILL
            worker = await start()
            workers[worker.pid] = worker
        last = [await start("drain"), await start("drain")]
        assert [await worker.wait() for worker in last] == [0, 0]
    finally:
        for worker in workers.values():
            worker.kill()
            await worker.wait()
        server.close()
    effects, counts, jobs = await queue.effects(), await queue.counts(), await queue._list("done")
    await queue.close()
    return kills, effects, counts, jobs


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
def test_ten_kills_lose_nothing_and_every_effect_happens_once(store):
    kills, effects, counts, jobs = asyncio.run(asyncio.wait_for(killed_ten_times(store), 500))
    keys = sorted(f"key-{n}" for n in range(JOBS))
    assert kills.moments == [] and counts == {"queued": 0, "running": 0, "done": JOBS, "dead": 0}
    assert sorted(effect["mailed"] for effect in effects) == keys  # each once
    assert any(job.attempts > 1 for job in jobs)
    # Without the key, what was in hand happens twice: the mail that went out before its job was written down.
    assert sorted(kills.mails) == keys and kills.killed_at_mail
    assert all(kills.mails[key] >= 2 for key in kills.killed_at_mail)


# ------------------------------------------------------------------------------------------- the service, whole
class Collector:
    """Receives spans as an OpenTelemetry collector does: OTLP over HTTP, in protobuf."""

    def __init__(self):
        self.spans, self.raw, self._new = [], b"", threading.Condition()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                outer.take(self.path, self.rfile.read(int(self.headers["content-length"])), self.headers)
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def take(self, path, body, headers):
        import gzip

        from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

        assert path == "/v1/traces"
        body = gzip.decompress(body) if headers.get("content-encoding") == "gzip" else body
        with self._new:
            self.raw += body
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                service = {a.key: a.value.string_value for a in resource.resource.attributes}["service.name"]
                self.spans += [(service, span) for scope in resource.scope_spans for span in scope.spans]
            self._new.notify_all()

    def wait_for(self, condition):
        """The spans, once there are some for which the condition holds."""
        with self._new:
            assert self._new.wait_for(lambda: condition(self.spans), timeout=60), [s.name for _, s in self.spans]
            return list(self.spans)


class Running:
    """Gateway, worker, model server and collector, and a client that knows a key."""

    def __init__(self, folder, collector, model_url):
        self.folder, self.collector = folder, collector
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.environment = os.environ | {
            "PYTHONPATH": str(ROOT),
            "PRODUCTION_FOLDER": str(folder),
            "PRODUCTION_LEASE": "8",
            "MODEL_URL": f"{model_url}/v1",
            "OTLP_URL": collector.url,
            "REDIS_URL": "",
            "OTEL_BSP_SCHEDULE_DELAY": "100",
        }
        (folder / "few").mkdir()
        for name in ("returns-lamps", "returns-rugs", "beacon-lamp"):
            shutil.copy(ROOT / "data" / "handbook" / f"{name}.md", folder / "few")
        assert "3 documents" in self.command("gateway", "--documents", str(folder / "few"))
        self.page_key = self.command("gateway", "--new-key", "ann").strip()
        self.key = KeyRing(folder / "keys.json").new("test", rate=1e6, burst=10**6)
        self.processes = [self.start("gateway", "--port", str(port)), self.start("worker")]
        self.url = f"http://127.0.0.1:{port}"
        self.client = httpx.Client(base_url=self.url, transport=httpx.HTTPTransport(retries=9), timeout=60)

    def command(self, module, *arguments):
        command = [sys.executable, "-m", f"examples.production.{module}", *arguments]
        done = subprocess.run(command, env=self.environment, cwd=ROOT, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def start(self, module, *arguments):
        command = [sys.executable, "-m", f"examples.production.{module}", *arguments]
        return subprocess.Popen(command, env=self.environment, cwd=ROOT)

    def ask(self, question, idempotency_key):
        """The id of the job that answers a question."""
        headers = {"Authorization": f"Bearer {self.key}", "Idempotency-Key": idempotency_key}
        response = self.client.post("/v1/jobs", json={"question": question}, headers=headers)
        assert response.status_code == 202, response.text
        return response.json()["id"]

    def job(self, id, wait=30):
        """The job, after it has ended or that many seconds have passed."""
        headers = {"Authorization": f"Bearer {self.key}"}
        assert all(process.poll() is None for process in self.processes)
        return self.client.get(f"/v1/jobs/{id}?wait={wait}", headers=headers).json()

    def ended(self, id):
        """The job, once it has ended."""
        for _ in range(4):
            if (job := self.job(id))["finished"]:
                break
        return job

    def close(self):
        for process in self.processes:
            process.terminate()
        return [process.wait(60) for process in self.processes]


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    folder = tmp_path_factory.mktemp("production")
    with provider.mock(), provider.serve() as models:
        running = Running(folder, Collector(), models.url)
        try:
            yield running
        finally:
            running.close()


QUESTION = "How many days do I have to return a rug?"


def test_a_job_is_answered_and_its_trace_leads_from_the_gateway_to_the_model(running):
    job = running.ended(running.ask(QUESTION, "trace-this-one"))
    assert job["state"] == "done" and job["result"]["sources"] and job["result"]["model"] == "large"
    spans = running.collector.wait_for(lambda spans: {"job", "POST /v1/jobs"} <= {span.name for _, span in spans})
    by_name = {span.name: (service, span) for service, span in spans}
    assert [by_name[name][0] for name in ("POST /v1/jobs", "job", "retrieve", "chat")] == ["gateway"] + ["worker"] * 3
    asked, done, found, said = (by_name[name][1] for name in ("POST /v1/jobs", "job", "retrieve", "chat"))
    assert {span.trace_id for span in (asked, done, found, said)} == {asked.trace_id}
    assert done.parent_span_id in {span.span_id for service, span in spans if service == "gateway"}
    attempts = {span.span_id for _, span in spans if span.name == "job"}
    assert {found.parent_span_id, said.parent_span_id} <= attempts
    attributes = {a.key: a.value for a in said.attributes}
    assert attributes["gen_ai.request.model"].string_value == "large"
    assert attributes["gen_ai.usage.input_tokens"].int_value > 50
    assert attributes["gen_ai.usage.output_tokens"].int_value > 0


def test_no_key_and_no_question_leaves_in_a_span(running):
    running.ended(running.ask("Where is the rug of rosa.alves@mail.example?", "private-matter"))
    running.collector.wait_for(lambda spans: sum(span.name == "job" for _, span in spans) >= 2)
    for secret in (running.key, running.page_key, "rosa.alves", "rug"):
        assert secret.encode() not in running.collector.raw


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
def test_a_worker_killed_while_it_waits_for_the_model_loses_nothing(running):
    with provider.fault("slow", model="large", seconds=20, first=1) as fault:
        id = running.ask("How tall is the Beacon floor lamp?", "killed-in-mid-job")
        while not fault.hits:  # until the model has been asked
            assert running.job(id, wait=1)["finished"] is None
        running.processes[1].send_signal(signal.SIGKILL)
        assert running.processes[1].wait(60) == -signal.SIGKILL
        running.processes[1] = running.start("worker")
        job = running.ended(id)
    assert job["state"] == "done" and job["attempts"] >= 2


def test_settings_choose_redis(tmp_path):
    with redis_server(tmp_path) as url:

        async def story():
            queue = Settings(redis_url=url).queue()
            await asyncio.gather(*(queue.put({"n": n}, key="the-same") for n in [7] * 20))
            for n in range(20):
                await queue.put({"n": n}, key=f"key-{n}")
            claimed = await asyncio.gather(*(queue.claim() for _ in range(30)))
            ids = [job.id for job in claimed if job]
            counts = await queue.counts()
            await queue.close()
            return ids, counts

        ids, counts = asyncio.run(story())
    assert len(ids) == len(set(ids)) == 21  # twenty at once under one key are one job; thirty claims at once share none
    assert counts == {"queued": 0, "running": 21, "done": 0, "dead": 0}


@pytest.mark.browser
def test_the_page_asks_watches_the_job_and_shows_the_answer_with_its_sources(running):
    need("chromium")
    from playwright.sync_api import expect, sync_playwright

    program = next(filter(None, map(shutil.which, NEEDS["chromium"].programs)))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=headless.FLAGS)
        page, problems, left = browser.new_page(), [], []
        page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
        page.on(
            "request", lambda request: left.append(request.url) if not request.url.startswith(running.url) else None
        )
        page.goto(running.url)
        page.get_by_label("API key").fill("wrong")
        page.get_by_label("Question").fill("How wide is the foot of the Beacon floor lamp?")
        page.get_by_role("button", name="Ask").click()
        expect(page.get_by_role("status")).to_contain_text("Give a valid API key")
        assert any("401" in text for text in problems)
        problems.clear()
        page.get_by_label("API key").fill(running.page_key)
        page.get_by_role("button", name="Ask").click()
        expect(page.get_by_role("heading", name="Answer")).to_be_visible(timeout=60_000)
        expect(page.locator("#answer")).not_to_be_empty()
        expect(page.locator("#sources li").first).to_contain_text("version 1")
        states = page.locator("#states li").all_inner_texts()
        assert states[0] == "queued" and states[-1] == "done" and len(states) == len(set(states))
        assert problems == [] and left == []
        if folder := os.environ.get("SCREENSHOTS"):
            page.screenshot(path=f"{folder}/page.png")
        browser.close()


def test_a_worker_that_is_told_to_stop_ends_in_order(running):
    running.processes[1].terminate()
    assert running.processes[1].wait(60) == 0
    running.processes[1] = running.start("worker")
    assert running.ended(running.ask(QUESTION, "after-the-stop"))["state"] == "done"
