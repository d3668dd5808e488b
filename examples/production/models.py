"""The client of the models: one call, its cost, its errors sorted. The SDK's own retries are off: one layer retries."""

from dataclasses import dataclass

import openai

from course_utils.catalogue import cost

from .resilience import classify
from .tracing import span


@dataclass
class Reply:
    """A model's words, and what they cost in dollars."""

    text: str
    model: str
    cost: float


class Models:
    """Chat models behind an openai.AsyncOpenAI client."""

    def __init__(self, client: openai.AsyncOpenAI):
        self.client = client.with_options(max_retries=0)

    @classmethod
    def at(cls, base_url: str, api_key: str):
        """Any provider that speaks the OpenAI protocol, such as `python -m course_utils serve`."""
        return cls(openai.AsyncOpenAI(base_url=base_url, api_key=api_key))

    @classmethod
    def in_process(cls):
        """The course's provider in this process, in simulated time where the caller is."""
        from course_utils import provider

        return cls(openai.AsyncOpenAI(**provider.client_options(True)))

    async def ask(self, model: str, messages: list[dict], *, max_tokens=120, **options) -> Reply:
        """One call. Transient or Permanent where it fails (resilience.classify)."""
        with span("chat", **{"gen_ai.operation.name": "chat", "gen_ai.request.model": model}) as here:
            try:
                said = await self.client.chat.completions.create(
                    model=model, messages=messages, max_tokens=max_tokens, **options
                )
            except openai.APIError as error:
                raise classify(error) from error
            used = said.usage
            here.set_attribute("gen_ai.usage.input_tokens", used.prompt_tokens)
            here.set_attribute("gen_ai.usage.output_tokens", used.completion_tokens)
        dollars = cost(model, used.prompt_tokens, used.completion_tokens) or 0.0
        return Reply(said.choices[0].message.content or "", model, dollars)
