//! CSV files: a row for each virtual user.

use std::path::Path;
use std::sync::Arc;

use documents::script::{self, PayloadOrder};
use serde_json::{Map, Value};

use super::CompileError;
use super::compile::fault;
use crate::value::{Scope, Text};

#[derive(Debug)]
pub(crate) struct Payload {
    fields: Arc<[Arc<str>]>,
    rows: Vec<Arc<[Value]>>,
    order: PayloadOrder,
    /// The variable that holds all rows.
    whole: Option<String>,
}

impl Payload {
    pub fn read_all(
        written: &[script::Payload],
        folder: &Path,
        scope: &Scope,
        errors: &mut Vec<CompileError>,
    ) -> Vec<Self> {
        let mut read = Vec::with_capacity(written.len());
        for payload in written {
            match Self::read(payload, folder, scope) {
                Ok(payload) => read.push(payload),
                Err((message, mend)) => errors.push(fault(&payload.origin, message, Some(mend))),
            }
        }
        read
    }

    fn read(written: &script::Payload, folder: &Path, scope: &Scope) -> Result<Self, (String, String)> {
        let shown = Text::parse(&written.path)
            .ok()
            .and_then(|path| path.render(scope).map(|path| path.into_owned()).ok())
            .unwrap_or_else(|| written.path.clone());
        let path = folder.join(&shown);
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(u8::try_from(written.delimiter).unwrap_or(b','))
            .from_path(&path)
            .map_err(|error| {
                let mend = format!("`payload.path` is seen from the script's folder, {}", folder.display());
                (format!("the file {shown} cannot be read: {}", reason(&error)), mend)
            })?;
        let mut rows = Vec::new();
        for (at, record) in reader.records().enumerate() {
            let record = record.map_err(|error| {
                (format!("{shown}, row {}: {}", at + 1, reason(&error)), "save it as CSV in UTF-8".to_owned())
            })?;
            let is_empty = record.iter().all(str::is_empty);
            if (at == 0 && written.skip_header) || (is_empty && written.skip_empty_lines) {
                continue;
            }
            rows.push(record.iter().map(|field| value(field, written.cast)).collect());
        }
        if rows.is_empty() {
            let mend = "give it a row, or leave out `skipHeader`".to_owned();
            return Err((format!("the file {shown} has no rows"), mend));
        }
        let fields = written.fields.iter().map(|field| Arc::from(field.as_str())).collect();
        Ok(Self { fields, rows, order: written.order, whole: written.load_all.clone() })
    }

    /// All rows, as objects if the fields have names.
    pub fn whole(&self) -> Option<(&str, Value)> {
        let row = |row: &Arc<[Value]>| {
            if self.fields.is_empty() {
                return Value::Array(row.to_vec());
            }
            let pairs = self.fields.iter().zip(row.iter());
            Value::Object(pairs.map(|(field, value)| (field.to_string(), value.clone())).collect::<Map<_, _>>())
        };
        let name = self.whole.as_deref()?;
        Some((name, self.rows.iter().map(row).collect()))
    }

    /// Gives the virtual user of this number its row.
    pub fn lay_row(&self, scope: &mut Scope, number: u64) {
        if self.whole.is_some() {
            return;
        }
        let at = match self.order {
            PayloadOrder::Random => fastrand::usize(..self.rows.len()),
            PayloadOrder::Sequence => (number % self.rows.len() as u64) as usize,
        };
        scope.lay_row(&self.fields, &self.rows[at]);
    }
}

fn value(field: &str, cast: bool) -> Value {
    let field = field.trim();
    if !cast {
        return field.into();
    }
    match field {
        "true" => true.into(),
        "false" => false.into(),
        // A leading zero is a part of a name: a postal code, a telephone number.
        _ if field.len() > 1 && field.starts_with('0') && !field.starts_with("0.") => field.into(),
        _ => {
            let integer = field.parse::<i64>().map(Value::from).ok();
            let decimal = || field.parse::<f64>().ok().filter(|number| number.is_finite()).map(Value::from);
            integer.or_else(decimal).unwrap_or_else(|| field.into())
        }
    }
}

fn reason(error: &csv::Error) -> String {
    match error.kind() {
        csv::ErrorKind::Io(error) if error.kind() == std::io::ErrorKind::NotFound => "there is no such file".to_owned(),
        csv::ErrorKind::Io(error) => error.to_string(),
        csv::ErrorKind::Utf8 { .. } => "it is not UTF-8".to_owned(),
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_become_numbers_unless_they_are_names() {
        let read = |text| value(text, true);
        assert_eq!([read("7"), read("1.5"), read("true")], [json!(7), json!(1.5), json!(true)]);
        assert_eq!([read("007"), read("seven"), value("7", false)], [json!("007"), json!("seven"), json!("7")]);
    }
}
