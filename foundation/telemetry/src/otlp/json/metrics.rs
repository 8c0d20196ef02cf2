use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::metrics::v1::exponential_histogram_data_point::Buckets;
use opentelemetry_proto::tonic::metrics::v1::summary_data_point::ValueAtQuantile;
use opentelemetry_proto::tonic::metrics::v1::{
    Exemplar, ExponentialHistogram, ExponentialHistogramDataPoint, Gauge, Histogram, HistogramDataPoint, Metric, NumberDataPoint,
    ResourceMetrics, ScopeMetrics, Sum, Summary, SummaryDataPoint, exemplar, metric, number_data_point,
};

use super::node::{JsonError, Node};
use super::{key_value, resource, scope};

pub(super) fn request(node: &Node) -> Result<ExportMetricsServiceRequest, JsonError> {
    Ok(ExportMetricsServiceRequest { resource_metrics: node.list("resourceMetrics", resource_metrics)? })
}

fn resource_metrics(node: &Node) -> Result<ResourceMetrics, JsonError> {
    Ok(ResourceMetrics {
        resource: node.message("resource", resource)?,
        scope_metrics: node.list("scopeMetrics", scope_metrics)?,
        schema_url: node.string("schemaUrl")?,
    })
}

fn scope_metrics(node: &Node) -> Result<ScopeMetrics, JsonError> {
    Ok(ScopeMetrics {
        scope: node.message("scope", scope)?,
        metrics: node.list("metrics", metric)?,
        schema_url: node.string("schemaUrl")?,
    })
}

fn metric(node: &Node) -> Result<Metric, JsonError> {
    Ok(Metric {
        name: node.string("name")?,
        description: node.string("description")?,
        unit: node.string("unit")?,
        metadata: node.list("metadata", key_value)?,
        data: data(node)?,
    })
}

fn data(node: &Node) -> Result<Option<metric::Data>, JsonError> {
    Ok(if let Some(gauge) = node.get("gauge")? {
        Some(metric::Data::Gauge(Gauge { data_points: gauge.list("dataPoints", number_point)? }))
    } else if let Some(sum) = node.get("sum")? {
        Some(metric::Data::Sum(Sum {
            data_points: sum.list("dataPoints", number_point)?,
            aggregation_temporality: sum.i32("aggregationTemporality")?,
            is_monotonic: sum.bool("isMonotonic")?,
        }))
    } else if let Some(histogram) = node.get("histogram")? {
        Some(metric::Data::Histogram(Histogram {
            data_points: histogram.list("dataPoints", histogram_point)?,
            aggregation_temporality: histogram.i32("aggregationTemporality")?,
        }))
    } else if let Some(histogram) = node.get("exponentialHistogram")? {
        Some(metric::Data::ExponentialHistogram(ExponentialHistogram {
            data_points: histogram.list("dataPoints", exponential_point)?,
            aggregation_temporality: histogram.i32("aggregationTemporality")?,
        }))
    } else if let Some(summary) = node.get("summary")? {
        Some(metric::Data::Summary(Summary { data_points: summary.list("dataPoints", summary_point)? }))
    } else {
        None
    })
}

fn number_point(node: &Node) -> Result<NumberDataPoint, JsonError> {
    let value = if let Some(int) = node.get("asInt")? {
        Some(number_data_point::Value::AsInt(int.as_i64()?))
    } else {
        node.optional_f64("asDouble")?.map(number_data_point::Value::AsDouble)
    };
    Ok(NumberDataPoint {
        attributes: node.list("attributes", key_value)?,
        start_time_unix_nano: node.u64("startTimeUnixNano")?,
        time_unix_nano: node.u64("timeUnixNano")?,
        exemplars: node.list("exemplars", exemplar)?,
        flags: node.u32("flags")?,
        value,
    })
}

fn histogram_point(node: &Node) -> Result<HistogramDataPoint, JsonError> {
    Ok(HistogramDataPoint {
        attributes: node.list("attributes", key_value)?,
        start_time_unix_nano: node.u64("startTimeUnixNano")?,
        time_unix_nano: node.u64("timeUnixNano")?,
        count: node.u64("count")?,
        sum: node.optional_f64("sum")?,
        bucket_counts: node.list("bucketCounts", |item| item.as_u64())?,
        explicit_bounds: node.list("explicitBounds", |item| item.as_f64())?,
        exemplars: node.list("exemplars", exemplar)?,
        flags: node.u32("flags")?,
        min: node.optional_f64("min")?,
        max: node.optional_f64("max")?,
    })
}

fn exponential_point(node: &Node) -> Result<ExponentialHistogramDataPoint, JsonError> {
    Ok(ExponentialHistogramDataPoint {
        attributes: node.list("attributes", key_value)?,
        start_time_unix_nano: node.u64("startTimeUnixNano")?,
        time_unix_nano: node.u64("timeUnixNano")?,
        count: node.u64("count")?,
        sum: node.optional_f64("sum")?,
        scale: node.i32("scale")?,
        zero_count: node.u64("zeroCount")?,
        positive: node.message("positive", buckets)?,
        negative: node.message("negative", buckets)?,
        flags: node.u32("flags")?,
        exemplars: node.list("exemplars", exemplar)?,
        min: node.optional_f64("min")?,
        max: node.optional_f64("max")?,
        zero_threshold: node.f64("zeroThreshold")?,
    })
}

fn buckets(node: &Node) -> Result<Buckets, JsonError> {
    Ok(Buckets { offset: node.i32("offset")?, bucket_counts: node.list("bucketCounts", |item| item.as_u64())? })
}

fn summary_point(node: &Node) -> Result<SummaryDataPoint, JsonError> {
    Ok(SummaryDataPoint {
        attributes: node.list("attributes", key_value)?,
        start_time_unix_nano: node.u64("startTimeUnixNano")?,
        time_unix_nano: node.u64("timeUnixNano")?,
        count: node.u64("count")?,
        sum: node.f64("sum")?,
        quantile_values: node.list("quantileValues", quantile)?,
        flags: node.u32("flags")?,
    })
}

fn quantile(node: &Node) -> Result<ValueAtQuantile, JsonError> {
    Ok(ValueAtQuantile { quantile: node.f64("quantile")?, value: node.f64("value")? })
}

fn exemplar(node: &Node) -> Result<Exemplar, JsonError> {
    let value = if let Some(int) = node.get("asInt")? {
        Some(exemplar::Value::AsInt(int.as_i64()?))
    } else {
        node.optional_f64("asDouble")?.map(exemplar::Value::AsDouble)
    };
    Ok(Exemplar {
        filtered_attributes: node.list("filteredAttributes", key_value)?,
        time_unix_nano: node.u64("timeUnixNano")?,
        span_id: node.hex("spanId")?,
        trace_id: node.hex("traceId")?,
        value,
    })
}
