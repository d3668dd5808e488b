"""Spans by OpenTelemetry, sent by OTLP. A job carries its trace from the gateway to whichever worker does it."""

import contextlib

from opentelemetry import trace
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

_propagator = TraceContextTextMapPropagator()


def send_to(otlp_url: str, service: str):
    """Send this process's spans to a collector; the provider returned has shutdown(), which sends what is left."""
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider(resource=Resource.create({"service.name": service}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=f"{otlp_url}/v1/traces")))
    trace.set_tracer_provider(provider)
    return provider


@contextlib.contextmanager
def span(name: str, parent: str = "", **attributes):
    """A span, under `parent` (a traceparent) or the current one. Attributes are names, counts and ids, never texts."""
    context = _propagator.extract({"traceparent": parent}) if parent else None
    tracer = trace.get_tracer("production")
    with tracer.start_as_current_span(name, context, attributes=attributes, record_exception=False) as here:
        yield here


def traceparent() -> str:
    """The current span as a W3C traceparent, to be stored with a job; '' where nothing is traced."""
    carrier = {}
    _propagator.inject(carrier)
    return carrier.get("traceparent", "")
