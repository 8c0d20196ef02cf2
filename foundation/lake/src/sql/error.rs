//! From the engine's errors to what a person can act on.

use datafusion::common::SchemaError;
use datafusion::error::DataFusionError;
use datafusion::prelude::SessionContext;
use telemetry::SqlError;

pub fn explain(error: DataFusionError, session: &SessionContext) -> SqlError {
    let invalid = |message: String| SqlError::Invalid { message };
    match error.find_root() {
        DataFusionError::ResourcesExhausted(_) => SqlError::Memory,
        DataFusionError::SchemaError(schema, _) => invalid(schema_message(schema)),
        DataFusionError::SQL(parser, _) => invalid(format!("{parser}")),
        DataFusionError::Plan(message) => invalid(plan_message(message, session)),
        DataFusionError::NotImplemented(message) => invalid(format!("not possible yet: {}", first_line(message))),
        DataFusionError::Execution(message) => invalid(first_line(message).to_owned()),
        DataFusionError::ArrowError(arrow, _) => invalid(arrow.to_string()),
        _ => SqlError::Execution(Box::new(error)),
    }
}

fn schema_message(error: &SchemaError) -> String {
    let SchemaError::FieldNotFound { field, valid_fields } = error else { return error.to_string() };
    let names: Vec<&str> = valid_fields.iter().map(|column| column.name.as_str()).collect();
    let mut message = format!("there is no column `{}`", field.flat_name());
    match nearest(&field.name, &names) {
        Some(name) => message.push_str(&format!("; did you mean `{name}`?")),
        None if names.is_empty() => {}
        None => message.push_str(&format!("; the columns are {}", names.join(", "))),
    }
    message
}

fn plan_message(message: &str, session: &SessionContext) -> String {
    let message = first_line(message);
    let table = message.strip_prefix("table '").and_then(|rest| rest.strip_suffix("' not found"));
    let Some(table) = table else { return message.to_owned() };
    let table = table.trim_start_matches("mainstay.").trim_start_matches("public.");
    let tables = table_names(session);
    let names: Vec<&str> = tables.iter().map(String::as_str).collect();
    match nearest(table, &names) {
        Some(name) => format!("there is no table `{table}`; did you mean `{name}`?"),
        None => format!("there is no table `{table}`; the tables are {}", names.join(", ")),
    }
}

fn table_names(session: &SessionContext) -> Vec<String> {
    let Some(catalog) = session.catalog(super::CATALOG) else { return Vec::new() };
    let mut names = Vec::new();
    for schema in [super::SCHEMA, super::OPS] {
        let tables = catalog.schema(schema).map(|schema| schema.table_names()).unwrap_or_default();
        names.extend(tables.into_iter().map(|table| if schema == super::SCHEMA { table } else { format!("{schema}.{table}") }));
    }
    names.sort_unstable();
    names
}

fn nearest<'a>(name: &str, names: &[&'a str]) -> Option<&'a str> {
    let distance = |known: &&&str| strsim::damerau_levenshtein(&name.to_lowercase(), known);
    names.iter().min_by_key(distance).copied().filter(|known| distance(&known) <= 1 + name.len() / 4)
}

/// The engine adds a backtrace and hints for its own developers below.
fn first_line(message: &str) -> &str {
    message.lines().next().unwrap_or_default()
}
