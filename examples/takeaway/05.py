"""From facts and photos to a checked listing, as a graph of steps, with any OpenAI-compatible key.

pip install openai; export OPENAI_API_KEY=...   (and OPENAI_BASE_URL, CHAT_MODEL for another provider)
python 05.py my_flat                 a folder with .txt files (facts) and .jpg or .png photos of its rooms"""

import asyncio
import base64
import os
import re
import sys
from pathlib import Path

from openai import AsyncOpenAI

CHAT, ROOMS = os.environ.get("CHAT_MODEL", "gpt-6-luna"), ["kitchen", "bedroom", "living room", "bathroom", "office"]
VOICE = "Write a plain listing of 60 words from these facts and rooms only. No praise, no exclamation marks."
client = AsyncOpenAI()


async def ask(content):
    asked = {"model": CHAT, "messages": [{"role": "user", "content": content}]}
    return (await client.chat.completions.create(**asked)).choices[0].message.content


async def room(photo):
    """The room that a photo shows, or 'no room'."""
    data = f"data:image/jpeg;base64,{base64.b64encode(photo.read_bytes()).decode()}"
    words = {"type": "text", "text": f"Which room does the picture show: {', '.join(ROOMS)}, or none?"}
    said = (await ask([words, {"type": "image_url", "image_url": {"url": data}}])).lower()
    return next((name for name in ROOMS if name in said), "no room")


async def check(text, rooms, facts):
    """Numbers that the facts do not hold, rooms that no photo shows, and photos that show none."""
    figures = [f"{n} is not in the facts" for n in re.findall(r"\d[\d.,]*\d|\d", text) if n not in facts]
    unseen = [r for r in ROOMS if r in text.lower() and r not in rooms and r not in facts.lower()]
    return figures + [f"no photo shows a {r}" for r in unseen] + ["a photo shows no room"] * ("no room" in rooms)


async def run_graph(steps):
    async def finish(needs, work):
        return await work(*[await tasks[name] for name in needs])

    tasks = {name: asyncio.create_task(finish(*step)) for name, step in steps.items()}
    return {name: await task for name, task in tasks.items()}


if __name__ == "__main__":
    files = sorted(Path(sys.argv[1]).glob("*")) if len(sys.argv) == 2 else []
    facts, photos = [f for f in files if f.suffix == ".txt"], [f for f in files if f.suffix in (".jpg", ".png")]
    if not facts:
        sys.exit("Usage: python 05.py FOLDER, with a .txt file of facts and photos (.jpg, .png) in the folder.")
    facts = "\n".join(file.read_text(encoding="utf-8") for file in facts)
    steps = {"see": ([], lambda: asyncio.gather(*map(room, photos)))}
    steps["draft"] = (["see"], lambda rooms: ask(f"{VOICE}\n\nFacts:\n{facts}\nThe photos show: {', '.join(rooms)}"))
    steps["check"] = (["draft", "see"], lambda text, rooms: check(text, rooms, facts))
    steps["moderation"] = (["draft"], lambda text: client.moderations.create(input=text))
    made = asyncio.run(run_graph(steps))
    reasons = made["check"] + ["moderation"] * made["moderation"].results[0].flagged
    print(made["draft"], facts, f"Not published: {reasons}" if reasons else "Published.", sep="\n\n---\n\n")
