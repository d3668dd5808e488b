"""chat_model(tier): a LangChain chat model, on the course's own provider or, by COURSE_PROVIDER, on a hosted one."""

from . import catalogue, clock, settings
from .metering import Call, current_step, meter
from .settings import CourseError

_PACKAGES = {  # provider -> (module, class)
    "anthropic": ("langchain_anthropic", "ChatAnthropic"),
    "openai": ("langchain_openai", "ChatOpenAI"),
    "google_genai": ("langchain_google_genai", "ChatGoogleGenerativeAI"),
    "cohere": ("langchain_cohere", "ChatCohere"),
    "huggingface": ("langchain_huggingface", "ChatHuggingFace"),
    "ollama": ("langchain_ollama", "ChatOllama"),
}


def chat_model(tier: str = "small", **options):
    """A LangChain chat model of a tier: nano, small, large, code or medical.

    By default it asks the course's own provider, in this process and in simulated time. With COURSE_PROVIDER set it is
    LangChain's own integration of that provider, whose calls are metered by a callback. Options go to that class.
    CourseError: an unknown tier or provider, a missing key, an integration that is not installed.
    """
    if tier not in catalogue.TIERS:
        raise CourseError(f"There is no tier {tier!r}. There are: {', '.join(catalogue.TIERS)}.")
    name = settings.provider()
    if name == "course":
        from langchain_openai import ChatOpenAI

        from .simulator import provider

        return ChatOpenAI(model=tier, stream_usage=True, **(provider.client_options() | options))
    key = settings.provider_key(name)
    settings.quiet()
    entry = catalogue.TIERS[tier]
    options = {"callbacks": [recorder()], **options}
    return _hosted(name, entry.hosted[name], key, options)


def _hosted(name, model, key, options):
    import importlib

    module, attribute = _PACKAGES[name]
    try:
        integration = importlib.import_module(module)
    except ImportError:
        package = module.replace("_", "-")
        raise CourseError(f"COURSE_PROVIDER={name} needs the package {package}: run pip install {package}.") from None
    model_class = getattr(integration, attribute)
    if name == "huggingface":
        own = {k: options.pop(k) for k in ("callbacks",) if k in options}
        endpoint = integration.HuggingFaceEndpoint(
            **{"repo_id": model, "task": "text-generation", "huggingfacehub_api_token": key} | options
        )
        return model_class(llm=endpoint, model_id=model, **own)
    if name == "anthropic":
        options = {"max_tokens": 1024, **options}
    keys = {"anthropic": "api_key", "openai": "api_key", "google_genai": "google_api_key", "cohere": "cohere_api_key"}
    if name in keys:
        options = {keys[name]: key, **options}
    return model_class(model=model, **options)


def recorder():
    """A LangChain callback that writes a hosted provider's calls into the meter."""
    from langchain_core.callbacks import BaseCallbackHandler

    class Recorder(BaseCallbackHandler):
        def __init__(self):
            self.open = {}

        def on_chat_model_start(self, serialized, messages, *, run_id, metadata=None, **kwargs):
            model = (
                (metadata or {}).get("ls_model_name")
                or (kwargs.get("invocation_params") or {}).get("model")
                or "unknown"
            )
            self.open[run_id] = Call("chat", model, clock.now(), 0.0, source="hosted", step=current_step())

        def on_llm_new_token(self, token, *, run_id, **kwargs):
            call = self.open.get(run_id)
            if call and call.time_to_first_token is None:
                call.time_to_first_token = clock.now() - call.start

        def on_llm_end(self, response, *, run_id, **kwargs):
            message = response.generations[0][0].message
            usage = message.usage_metadata or {}
            self._close(run_id, 200, usage.get("input_tokens", 0), usage.get("output_tokens", 0))

        def on_llm_error(self, error, *, run_id, **kwargs):
            self._close(run_id, getattr(error, "status_code", None) or 500, 0, 0)

        def _close(self, run_id, status, input_tokens, output_tokens):
            if call := self.open.pop(run_id, None):
                call.end, call.status = clock.now(), status
                call.input_tokens, call.output_tokens = input_tokens, output_tokens
                call.cost = catalogue.cost(call.model, input_tokens, output_tokens)
                meter.add(call)

    return Recorder()
