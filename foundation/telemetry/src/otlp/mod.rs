//! OTLP: decoding, and the translation of its metrics into PromQL's series.
