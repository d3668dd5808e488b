// Asks a server through OpenAI's own client for Node: node ask.mjs BASE_URL [CHAT_MODEL]. Prints one JSON object.
import OpenAI from "openai";

const [baseURL, chatModel] = process.argv.slice(2);
const client = new OpenAI({ baseURL, apiKey: "none", maxRetries: 0 });
const said = {};

const models = [];
for await (const model of client.models.list()) models.push(model.id);
said.models = models;

const input = ["Where is my order?", "A brass lamp"];
const reply = await client.embeddings.create({ model: "all-MiniLM-L6-v2", input });
said.embeddings = reply.data.map((row) => Array.from(row.embedding));
said.tokens = reply.usage.prompt_tokens;

try {
  await client.embeddings.create({ model: "all-MiniLM-L6-v2", input: "" });
} catch (problem) {
  said.refused = { status: problem.status, name: problem.constructor.name, message: problem.message };
}

if (chatModel) {
  const messages = [{ role: "user", content: "Say hello." }];
  const whole = await client.chat.completions.create({ model: chatModel, messages, max_tokens: 8, temperature: 0 });
  const stream = await client.chat.completions.create({ model: chatModel, messages, max_tokens: 8, temperature: 0, stream: true });
  const pieces = [];
  for await (const chunk of stream) pieces.push(chunk.choices[0]?.delta?.content ?? "");
  said.chat = { whole: whole.choices[0].message.content, streamed: pieces.join(""), pieces: pieces.length };
}
console.log(JSON.stringify(said));
