//! Tables in the terminal, as JSON and as CSV.

use std::io::Write;

use serde::Deserialize;
use serde_json::Value;

use crate::cli::Format;

/// A table as the API answers it.
#[derive(Debug, Deserialize)]
pub struct Answer {
    pub columns: Vec<Column>,
    pub rows: Vec<Vec<Value>>,
    #[serde(default)]
    pub truncated: bool,
}

#[derive(Debug, Deserialize)]
pub struct Column {
    pub name: String,
}

impl Answer {
    pub fn new<const N: usize>(columns: [&str; N], rows: Vec<Vec<Value>>) -> Self {
        Self { columns: columns.map(|name| Column { name: name.to_owned() }).into(), rows, truncated: false }
    }
}

pub fn table(answer: &Answer, format: Format) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    let written = match format {
        Format::Table => writeln!(out, "{}", rendered(answer)),
        Format::Json => writeln!(out, "{}", serde_json::to_string_pretty(&objects(answer))?),
        Format::Csv => csv(answer, &mut out),
    };
    match written {
        // The reader has seen enough, as `head` does.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        other => Ok(other?),
    }
}

fn rendered(answer: &Answer) -> comfy_table::Table {
    let mut table = comfy_table::Table::new();
    table.load_style(comfy_table::presets::UTF8_FULL_CONDENSED);
    table.set_content_arrangement(comfy_table::ContentArrangement::Dynamic);
    table.set_header(answer.columns.iter().map(|column| column.name.clone()));
    for row in &answer.rows {
        table.add_row(row.iter().map(plain));
    }
    table
}

fn objects(answer: &Answer) -> Vec<serde_json::Map<String, Value>> {
    let names = || answer.columns.iter().map(|column| column.name.clone());
    answer.rows.iter().map(|row| names().zip(row.iter().cloned()).collect()).collect()
}

/// RFC 4180.
fn csv(answer: &Answer, out: &mut impl Write) -> std::io::Result<()> {
    let mut line = |fields: &mut dyn Iterator<Item = String>| writeln!(out, "{}", fields.map(quoted).collect::<Vec<_>>().join(","));
    line(&mut answer.columns.iter().map(|column| column.name.clone()))?;
    answer.rows.iter().try_for_each(|row| line(&mut row.iter().map(plain)))
}

fn quoted(field: String) -> String {
    if field.contains(['"', ',', '\n', '\r']) { format!("\"{}\"", field.replace('"', "\"\"")) } else { field }
}

fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn csv_quotes_what_needs_it() {
        let mut out = Vec::new();
        csv(&Answer::new(["a", "b"], vec![vec![json!("x,\"y\""), json!(1)], vec![Value::Null, json!(2.5)]]), &mut out).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "a,b\n\"x,\"\"y\"\"\",1\n,2.5\n");
    }
}
