// Asks, then looks at the job until it has ended. Everything that came from outside is set as text, never as HTML.
"use strict";

const at = (id) => document.getElementById(id);
const wait = (ms) => new Promise((done) => setTimeout(done, ms));
let pending = null; // {question, key}: the same idempotency key as long as the same question has not been accepted

async function call(path, options = {}) {
  const headers = { Authorization: `Bearer ${at("key").value}`, ...options.headers };
  for (;;) {
    const response = await fetch(path, { ...options, headers });
    if (response.status === 429) { // too fast: as long as the gateway says
      await wait(1000 * Number(response.headers.get("Retry-After") || 1));
      continue;
    }
    const body = await response.json();
    if (!response.ok) throw new Error(typeof body.detail === "string" ? body.detail : "This request is not valid.");
    return body;
  }
}

function state(job) {
  const seen = [...at("states").children].map((item) => item.textContent);
  if (seen.at(-1) === job.state) return;
  const item = document.createElement("li");
  item.textContent = job.state;
  at("states").append(item);
}

function show(job) {
  const result = job.result;
  at("answer").textContent = result.answer;
  at("sources").replaceChildren(...result.sources.map((source) => {
    const item = document.createElement("li");
    const quoted = document.createElement("blockquote");
    quoted.textContent = source.text;
    item.append(`${source.title} (${source.document}, version ${source.version})`, quoted);
    return item;
  }));
  at("made").textContent = result.cached ? "From the cache." : `By ${result.model}, in attempt ${job.attempts}.`;
  at("reply").hidden = false;
}

async function ask(event) {
  event.preventDefault();
  const question = at("question").value;
  if (pending?.question !== question) pending = { question, key: crypto.randomUUID() };
  at("ask").disabled = true;
  at("reply").hidden = true;
  at("states").replaceChildren();
  at("message").textContent = "";
  try {
    let job = await call("/v1/jobs", {
      method: "POST",
      headers: { "Content-Type": "application/json", "Idempotency-Key": pending.key },
      body: JSON.stringify({ question }),
    });
    pending = null;
    for (state(job); job.state === "queued" || job.state === "running"; state(job)) {
      await wait(600); // a key has a rate
      job = await call(`/v1/jobs/${job.id}`);
    }
    if (job.result) show(job);
    else at("message").textContent = "This job could not be done. It lies with the dead letters.";
  } catch (problem) {
    at("message").textContent = problem.message;
  } finally {
    at("ask").disabled = false;
  }
}

at("form").addEventListener("submit", ask);
