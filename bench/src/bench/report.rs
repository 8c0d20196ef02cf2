//! Tables for people (Markdown) and for machines (JSON).

use std::path::Path;

use anyhow::Context;
use serde::Serialize;

#[derive(Debug, Default, Serialize)]
pub struct Report {
    tables: Vec<Table>,
}

#[derive(Debug, Serialize)]
struct Table {
    title: String,
    columns: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Report {
    pub fn table<const N: usize>(&mut self, title: &str, columns: [&str; N], rows: Vec<[String; N]>) {
        let table = Table {
            title: title.to_owned(),
            columns: columns.map(str::to_owned).into(),
            rows: rows.into_iter().map(Vec::from).collect(),
        };
        self.tables.push(table);
    }

    pub fn markdown(&self) -> String {
        let mut text = String::new();
        let mut line = |cells: &[String]| text.push_str(&format!("| {} |\n", cells.join(" | ")));
        for table in &self.tables {
            line(std::slice::from_ref(&format!("**{}**", table.title)));
            line(&table.columns);
            line(&vec!["---".to_owned(); table.columns.len()]);
            table.rows.iter().for_each(|row| line(row));
        }
        // A title is a paragraph of its own, not a row.
        text.replace("| **", "\n**").replace("** |\n", "**\n\n")
    }

    pub fn write(&self, path: &Path) -> anyhow::Result<()> {
        let json = serde_json::to_vec_pretty(self)?;
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::write(path, json).with_context(|| format!("{} cannot be written", path.display()))
    }
}

/// The middle of the values.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
