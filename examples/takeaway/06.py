"""A moderation desk for posts of text and photo, with any OpenAI-compatible provider whose model sees pictures.

pip install openai
export OPENAI_API_KEY=...            (and OPENAI_BASE_URL, CHAT_MODEL, VISION_MODEL for another provider)
python 06.py my_posts                (a post is NAME.txt, and NAME.jpg or NAME.png beside it)"""

import asyncio
import base64
import os
import sys
from pathlib import Path

from openai import AsyncOpenAI

CHAT = os.environ.get("CHAT_MODEL", "gpt-6-luna")
VISION = os.environ.get("VISION_MODEL", CHAT)
RULES = (
    "You check posts of a marketplace. A post breaks the rules if it wants payment outside the shop, promises to heal "
    "an illness, offers a weapon, threatens or insults people, or sells a recalled thing. Figures of speech break no rule. "
    "Answer with one word: yes if the post breaks a rule, no if not."
)
LOOK = (
    "Does this photo show a forbidden symbol (skull, weapon, emblem of a banned group), or damage that these words hide? "
    "Begin with yes or no, then one short sentence.\n\n"
)


async def ask(client, model, content, tokens):
    messages = [{"role": "user", "content": content}]
    reply = await client.chat.completions.create(model=model, messages=messages, max_tokens=tokens)
    return (reply.choices[0].message.content or "").strip()


async def judge_photo(client, text, photo):
    kind = "png" if photo.suffix.lower() == ".png" else "jpeg"
    url = f"data:image/{kind};base64,{base64.b64encode(photo.read_bytes()).decode()}"
    parts = [{"type": "text", "text": LOOK + text}, {"type": "image_url", "image_url": {"url": url}}]
    return await ask(client, VISION, parts, 60)


async def moderate(client, file):
    """Both checkers at once; one yes is a veto, and what is neither yes nor no goes to a person."""
    text = file.read_text(encoding="utf-8").strip()
    photos = [p for p in sorted(file.parent.glob(f"{file.stem}.*")) if p.suffix.lower() in (".jpg", ".jpeg", ".png")]
    looks = [judge_photo(client, text, photo) for photo in photos]
    said = await asyncio.gather(ask(client, CHAT, f"{RULES}\n\nPost: {text}", 5), *looks)
    votes = [answer.lower()[:3].rstrip(".,") for answer in said]
    verdict = "stop" if "yes" in votes else "publish" if all(v == "no" for v in votes) else "a person looks"
    return f"{file.stem}: {verdict} | {text[:80]} | {' | '.join(said)}"


async def main(files):
    async with AsyncOpenAI() as client:
        print(*await asyncio.gather(*(moderate(client, file) for file in files)), sep="\n")


if __name__ == "__main__":
    if len(sys.argv) != 2 or not (files := sorted(Path(sys.argv[1]).glob("*.txt"))):
        sys.exit("Usage: python 06.py FOLDER, with posts in it: NAME.txt, and NAME.jpg or NAME.png beside it.")
    asyncio.run(main(files))
