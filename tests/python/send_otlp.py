"""Sends all three signals over both transports with the OpenTelemetry SDK for Python, unchanged.

    python send_otlp.py --grpc http://127.0.0.1:4317 --http http://127.0.0.1:4318 --marker abc123

Each record carries the attribute `test.marker`. Over each transport, under the service name
`python-grpc` or `python-http`, it sends

- a trace of two spans: `parent` (server, with an event and a link) and its child `child` (client, failed),
- two log records: `hello <marker>` at INFO within `parent`, and a failure at ERROR with an exception,
- the metrics `python.requests` (counter, 3), `python.queue` (up-down counter, 2), `python.temperature`
  (gauge, 21.5, in Cel), `python.duration` (histogram of 0.2 and 0.7, in s).

Ends with status 0 once all is acknowledged, and prints what it sent as one JSON object; with status 1 if a
transport refused something.
"""

import argparse
import json
import logging
import sys

from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter as GrpcLogs
from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter as GrpcMetrics
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcSpans
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter as HttpLogs
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter as HttpMetrics
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpSpans
from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Link, SpanKind, Status, StatusCode


def main():
    arguments = parse_arguments()
    failures = count_failures()
    sent = [
        send("python-grpc", grpc_exporters(arguments.grpc), arguments.marker),
        send("python-http", http_exporters(arguments.http), arguments.marker),
    ]
    print(json.dumps({"marker": arguments.marker, "sent": sent}))
    if failures.messages:
        print("not everything was accepted:", *failures.messages, sep="\n  ", file=sys.stderr)
        sys.exit(1)


def parse_arguments():
    parser = argparse.ArgumentParser(description="Sends OTLP with the OpenTelemetry SDK for Python.")
    parser.add_argument("--grpc", required=True, help="URL of OTLP over gRPC")
    parser.add_argument("--http", required=True, help="URL of OTLP over HTTP, without /v1/…")
    parser.add_argument("--marker", required=True, help="what to find the records by")
    return parser.parse_args()


def grpc_exporters(url):
    return [exporter(endpoint=url, insecure=True, timeout=10) for exporter in (GrpcSpans, GrpcLogs, GrpcMetrics)]


def http_exporters(url):
    paths = [(HttpSpans, "traces"), (HttpLogs, "logs"), (HttpMetrics, "metrics")]
    return [exporter(endpoint=f"{url}/v1/{path}", timeout=10) for exporter, path in paths]


def send(service, exporters, marker):
    """Sends everything through one transport; returns the ids that tell its records apart."""
    spans, logs, metrics = exporters
    resource = Resource.create({"service.name": service, "service.instance.id": f"{service}-{marker}"})
    tracers = TracerProvider(resource=resource)
    tracers.add_span_processor(BatchSpanProcessor(spans))
    loggers = LoggerProvider(resource=resource)
    loggers.add_log_record_processor(BatchLogRecordProcessor(logs))
    meters = MeterProvider(resource=resource, metric_readers=[PeriodicExportingMetricReader(metrics)])

    ids = send_trace_and_logs(tracers.get_tracer("send_otlp"), log_to(loggers, service), marker)
    record_metrics(meters.get_meter("send_otlp"), {"test.marker": marker})

    for provider in (tracers, loggers, meters):
        provider.force_flush()
        provider.shutdown()
    return {"service": service, **ids}


def send_trace_and_logs(tracer, logger, marker):
    attributes = {"test.marker": marker, "http.request.method": "GET", "list": ["a", "b"], "count": 7, "ratio": 0.5}
    with tracer.start_as_current_span("linked", attributes={"test.marker": marker}) as linked:
        link = Link(linked.get_span_context(), {"why": "test"})
    with tracer.start_as_current_span("parent", kind=SpanKind.SERVER, attributes=attributes, links=[link]) as parent:
        parent.add_event("checked", {"test.marker": marker})
        logger.info("hello %s", marker, extra={"test.marker": marker})
        with tracer.start_as_current_span("child", kind=SpanKind.CLIENT, attributes={"test.marker": marker}) as child:
            child.set_status(Status(StatusCode.ERROR, "the provider did not answer"))
            try:
                raise TimeoutError("the provider did not answer")
            except TimeoutError:
                logger.exception("payment failed", extra={"test.marker": marker})
        return {
            "trace_id": format(parent.get_span_context().trace_id, "032x"),
            "parent_span_id": format(parent.get_span_context().span_id, "016x"),
            "child_span_id": format(child.get_span_context().span_id, "016x"),
        }


def log_to(provider, name):
    logger = logging.getLogger(name)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    logger.addHandler(LoggingHandler(logger_provider=provider))
    return logger


def record_metrics(meter, attributes):
    meter.create_counter("python.requests", unit="{request}").add(3, attributes)
    meter.create_up_down_counter("python.queue", unit="{job}").add(2, attributes)
    meter.create_gauge("python.temperature", unit="Cel").set(21.5, attributes)
    duration = meter.create_histogram("python.duration", unit="s", explicit_bucket_boundaries_advisory=[0.1, 0.5, 1.0])
    duration.record(0.2, attributes)
    duration.record(0.7, attributes)


def count_failures():
    """The exporters report what they could not send to their loggers only."""

    class Failures(logging.Handler):
        messages = []

        def emit(self, record):
            self.messages.append(f"{record.name}: {record.getMessage()}")

    failures = Failures(level=logging.WARNING)
    logging.getLogger("opentelemetry").addHandler(failures)
    return failures


if __name__ == "__main__":
    main()
