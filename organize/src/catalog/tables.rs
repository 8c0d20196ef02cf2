//! `ops.components` and `ops.entities`.

use std::sync::Arc;

use async_trait::async_trait;
use documents::catalog::Entity;
use documents::{Graph, Loaded};
use kernel::Classified;
use kernel::table::{Cell, ColumnSchema, ColumnType, TableSchema, TableSource};
use tokio::sync::watch;

/// The catalogue as it stands when a query begins.
pub struct CatalogTables {
    documents: watch::Receiver<Arc<Loaded>>,
}

impl CatalogTables {
    pub fn new(documents: watch::Receiver<Arc<Loaded>>) -> Self {
        Self { documents }
    }
}

type Field = (&'static str, ColumnType, &'static str, fn(&Graph, &Entity) -> Cell);

const ENTITY_FIELDS: [Field; 9] = [
    ("ref", ColumnType::Text, "Entity reference, e.g. component:default/orders", |_, e| Cell::Text(e.reference.to_string())),
    ("kind", ColumnType::Text, "Component, System, API, Resource, Group, User or Domain", |_, e| Cell::Text(e.kind.clone())),
    ("name", ColumnType::Text, "Name, unique for its kind and namespace", |_, e| Cell::Text(e.name.clone())),
    ("title", ColumnType::Text, "For display", |_, e| text(e.title.as_deref())),
    ("description", ColumnType::Text, "", |_, e| text(e.description.as_deref())),
    ("owner", ColumnType::Text, "Entity reference of the owning group or user", |_, e| reference(e.owner.as_ref())),
    ("system", ColumnType::Text, "Entity reference of the system it is part of", |_, e| reference(e.system.as_ref())),
    ("lifecycle", ColumnType::Text, "e.g. production", |_, e| text(e.lifecycle.as_deref())),
    ("path", ColumnType::Text, "The document, below the ops folder", |_, e| Cell::Text(e.origin.path.clone())),
];

const COMPONENT_FIELDS: [Field; 5] = [
    ("type", ColumnType::Text, "e.g. service", |_, e| text(e.type_.as_deref())),
    ("service", ColumnType::Text, "The service.name of its telemetry; joins logs.service and spans.service", |_, e| text(e.service())),
    ("impact", ColumnType::Text, "What the business loses when it fails: low, medium, high, critical", |_, e| {
        e.impact.map_or(Cell::Null, |impact| Cell::Text(format!("{impact:?}").to_lowercase()))
    }),
    ("tier", ColumnType::Integer, "From 1 (most important) to 4", |_, e| e.tier.map_or(Cell::Null, |tier| Cell::Integer(tier.into()))),
    ("commander", ColumnType::Text, "Who would lead its incident", |g, e| reference(g.commander_for(&e.reference).as_ref())),
];

#[async_trait]
impl TableSource for CatalogTables {
    fn tables(&self) -> Vec<TableSchema> {
        vec![
            schema("ops.entities", "Everything in the catalogue.", &mut ENTITY_FIELDS.iter()),
            schema("ops.components", "The components of the catalogue.", &mut ENTITY_FIELDS.iter().chain(&COMPONENT_FIELDS)),
        ]
    }

    async fn rows(&self, table: &str) -> Result<Vec<Vec<Cell>>, Box<dyn Classified>> {
        let loaded = self.documents.borrow().clone();
        let graph = &loaded.graph;
        let row = |entity: &Entity, components: bool| -> Vec<Cell> {
            let more = if components { &COMPONENT_FIELDS[..] } else { &[] };
            ENTITY_FIELDS.iter().chain(more).map(|(_, _, _, value)| value(graph, entity)).collect()
        };
        Ok(match table {
            "ops.components" => graph.components().map(|entity| row(entity, true)).collect(),
            _ => graph.entities.values().map(|entity| row(entity, false)).collect(),
        })
    }
}

fn schema(name: &str, description: &str, fields: &mut dyn Iterator<Item = &Field>) -> TableSchema {
    TableSchema {
        name: name.to_owned(),
        description: description.to_owned(),
        columns: fields
            .map(|(name, kind, description, _)| ColumnSchema {
                name: (*name).to_owned(),
                kind: *kind,
                description: (*description).to_owned(),
            })
            .collect(),
    }
}

fn text(value: Option<&str>) -> Cell {
    value.map_or(Cell::Null, |value| Cell::Text(value.to_owned()))
}

fn reference(value: Option<&kernel::EntityRef>) -> Cell {
    value.map_or(Cell::Null, |value| Cell::Text(value.to_string()))
}
