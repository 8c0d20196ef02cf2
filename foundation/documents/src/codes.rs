//! The stable codes of diagnostics. `docs/diagnostics.md` explains each; a test keeps the two together.

/// One kind of problem, for documentation and for SARIF.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Code {
    pub code: &'static str,
    /// One sentence.
    pub meaning: &'static str,
}

macro_rules! codes {
    ($($name:ident = $code:literal: $meaning:literal;)*) => {
        $(#[doc = $meaning] pub const $name: &str = $code;)*

        /// Every code, in the order of the documentation.
        pub const ALL: &[Code] = &[$(Code { code: $code, meaning: $meaning }),*];
    };
}

codes! {
    UNREADABLE = "unreadable": "A file or folder could not be read.";
    TOO_LARGE = "too-large": "A document is larger than a limit.";
    SYNTAX = "syntax": "The text is not well-formed YAML, JSON or front matter.";
    DUPLICATE_KEY = "duplicate-key": "A key stands twice in the same mapping.";
    UNKNOWN_KIND = "unknown-kind": "The API version or kind is not one that Mainstay knows.";
    FOREIGN_KIND = "foreign-kind": "A Backstage kind that is kept but means nothing to Mainstay.";
    UNKNOWN_FIELD = "unknown-field": "A field that the kind does not have.";
    MISSING_FIELD = "missing-field": "A field that the kind requires is absent.";
    WRONG_TYPE = "wrong-type": "A value has another type than its field takes.";
    WRONG_VALUE = "wrong-value": "A value is outside what its field allows.";
    WRONG_NAME = "wrong-name": "A name has characters or a length that its format does not allow.";
    WRONG_DURATION = "wrong-duration": "A duration is not written as for example 30s, 5m or 1h30m.";
    WRONG_REFERENCE = "wrong-reference": "An entity reference is not of the form [kind:][namespace/]name.";
    WRONG_URL = "wrong-url": "A URL is not an http or https address.";
    WRONG_SCHEDULE = "wrong-schedule": "A schedule has a cron expression, a time zone or a time that cannot be read.";
    UNKNOWN_REFERENCE = "unknown-reference": "A reference names something that no document describes.";
    DUPLICATE_NAME = "duplicate-name": "Two documents of one kind have the same name.";
    PROMQL = "promql": "A PromQL expression cannot be parsed.";
    PROMQL_UNCHECKED = "promql-unchecked": "A PromQL expression uses syntax newer than the check, so it is not checked.";
    TEMPLATE = "template": "The braces or blocks of a text template do not balance, or a placeholder is no path.";
    REGEX = "regex": "A regular expression cannot be compiled.";
    JSONPATH = "jsonpath": "A JSONPath cannot be parsed.";
    UNSUPPORTED = "unsupported": "A feature of a foreign format that Mainstay does not have.";
    UNSET_VARIABLE = "unset-variable": "A number of a script asks for a variable that has no value.";
    MISSING_FILE = "missing-file": "A file that a document names is not there.";
    LAID_OVER = "laid-over": "An environment's list is laid over the script's item by item, which leaves some of it.";
    FLAGS = "flags": "A definition of feature flags cannot be compiled.";
    FLAGS_DOUBT = "flags-doubt": "A definition of feature flags is right but likely not meant so.";
    CONTENT = "content": "A configuration does not fit its JSON Schema.";
    JSON_SCHEMA = "json-schema": "A JSON Schema cannot be used.";
    PATTERN = "pattern": "An event pattern cannot be compiled.";
    CELL_ATTRIBUTE = "cell-attribute": "An attribute of a runbook's cell is unknown or malformed.";
    NO_CELLS = "no-cells": "A runbook has no cell that can run.";
    PARAMETER = "parameter": "A run does not give a runbook the parameters that it declares.";
    VALUE_REFERENCE = "value-reference": "A reference to a parameter or a secret, or its path, cannot be read.";
    SECRET = "secret": "A value that should be secret is written in a document.";
}
