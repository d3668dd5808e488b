"""What each framework tells about a turn by its own means of tracing: the names of the steps that it reports.

traced(framework) is a block; it yields a list that fills while the desk works. Plain Python reports nothing by itself.
"""

import contextlib
import contextvars


@contextlib.contextmanager
def plain():
    yield []


@contextlib.contextmanager
def langgraph():
    """LangChain's callbacks, which LangGraph's nodes report to as well; LangSmith listens to the same."""
    from langchain_core.callbacks import BaseCallbackHandler
    from langchain_core.tracers.context import register_configure_hook

    names = []

    class Names(BaseCallbackHandler):
        run_inline = True

        def on_chain_start(self, serialized, inputs, *, name=None, **kwargs):
            if name:  # a conditional edge has none
                names.append(name)

        def on_chat_model_start(self, serialized, messages, *, name=None, **kwargs):
            names.append(name or serialized["name"])

    listening = contextvars.ContextVar("names of LangChain's runs", default=None)
    register_configure_hook(listening, inheritable=True)
    listening.set(Names())
    try:
        yield names
    finally:
        listening.set(None)


@contextlib.contextmanager
def llamaindex():
    """LlamaIndex's instrumentation: a dispatcher that hands spans and events to handlers."""
    from llama_index.core.instrumentation import get_dispatcher
    from llama_index.core.instrumentation.span_handlers import SimpleSpanHandler

    handler, root = SimpleSpanHandler(), get_dispatcher()
    root.add_span_handler(handler)
    names = []
    try:
        yield names
    finally:
        root.span_handlers.remove(handler)
    done = sorted(handler.completed_spans, key=lambda span: span.start_time)
    names += [span.id_.rsplit("-", 5)[0] for span in done]


@contextlib.contextmanager
def haystack():
    """Haystack's tracer: any object with `trace`; there are ready ones for OpenTelemetry and Datadog."""
    from haystack import tracing
    from haystack.tracing.logging_tracer import LoggingSpan

    names = []

    class Names(tracing.Tracer):
        @contextlib.contextmanager
        def trace(self, operation_name, tags=None, parent_span=None):
            names.append((tags or {}).get("haystack.component.name", operation_name))
            yield LoggingSpan(operation_name)

        def current_span(self):
            return None

    tracing.enable_tracing(Names())
    try:
        yield names
    finally:
        tracing.disable_tracing()


@contextlib.contextmanager
def semantic_kernel():
    """OpenTelemetry spans, the only way of the six that is a standard; switched on by an environment variable."""
    from opentelemetry import trace
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
    from semantic_kernel.utils.telemetry.model_diagnostics import decorators

    if not isinstance(trace.get_tracer_provider(), TracerProvider):
        trace.set_tracer_provider(TracerProvider())
    exporter, switch = InMemorySpanExporter(), decorators.MODEL_DIAGNOSTICS_SETTINGS
    processor = SimpleSpanProcessor(exporter)
    trace.get_tracer_provider().add_span_processor(processor)
    before, switch.enable_otel_diagnostics = switch.enable_otel_diagnostics, True
    names = []
    try:
        yield names
    finally:
        switch.enable_otel_diagnostics = before
        names += [span.name for span in sorted(exporter.get_finished_spans(), key=lambda s: s.start_time)]
        exporter.shutdown()


@contextlib.contextmanager
def dspy():
    """DSPy's callbacks: modules, adapters and model calls."""
    import dspy as library
    from dspy.utils.callback import BaseCallback

    names = []

    class Names(BaseCallback):
        def on_module_start(self, call_id, instance, inputs):
            names.append(type(instance).__name__)

        def on_adapter_format_start(self, call_id, instance, inputs):
            names.append(f"{type(instance).__name__}.format")

        def on_lm_start(self, call_id, instance, inputs):
            names.append(type(instance).__name__)

        def on_tool_start(self, call_id, instance, inputs):
            names.append(instance.name)

    with library.context(callbacks=[Names()]):
        yield names


def traced(framework):
    """The block for a framework's name, as in run.FRAMEWORKS."""
    return globals()[framework]()
