//! `mainstay incident …`

use std::process::ExitCode;

use kernel::{EntityRef, IncidentId, Severity};
use ledger::{Incident, IncidentStatus};
use reqwest::Method;
use serde_json::{Value, json};
use wire::incidents::{AddNote, ChangeIncident, DeclareIncident, IncidentDetail};

use crate::cli::{Format, ServerArgs};
use crate::print::{self, Answer};
use crate::session::Session;

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Declare an incident
    Declare {
        title: String,
        #[arg(long, default_value = "")]
        summary: String,
        /// sev1 (worst) to sev5; from the component's business impact if absent
        #[arg(long, value_parser = severity)]
        severity: Option<Severity>,
        /// An affected component; may be repeated
        #[arg(long = "component", value_name = "COMPONENT", value_parser = component)]
        components: Vec<EntityRef>,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// List incidents, newest first
    List {
        #[arg(long, value_enum, default_value_t = Format::Table)]
        format: Format,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Show an incident with its timeline
    Show {
        id: IncidentId,
        #[arg(long, value_enum, default_value_t = Format::Table)]
        format: Format,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Write a note into the timeline
    Note {
        id: IncidentId,
        text: String,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Say that somebody is on it
    Acknowledge {
        id: IncidentId,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Say that it is over
    Resolve {
        id: IncidentId,
        #[command(flatten)]
        server: ServerArgs,
    },
}

pub async fn run(args: Args) -> anyhow::Result<ExitCode> {
    match args.action {
        Action::Declare { title, summary, severity, components, server } => {
            let session = Session::open(&server).await?;
            let declare = DeclareIncident { title, summary, severity, components, commander: None };
            let incident: Incident = session.client.post("api/incidents", &declare).await?;
            println!("{} {}", incident.id, incident.title);
            session.close().await;
        }
        Action::List { format, server } => {
            let session = Session::open(&server).await?;
            let incidents: Vec<Incident> = session.client.get("api/incidents", &[]).await?;
            print::table(&list(&incidents), format)?;
            session.close().await;
        }
        Action::Show { id, format, server } => {
            let session = Session::open(&server).await?;
            let path = format!("api/incidents/{id}");
            if format == Format::Json {
                let detail: Value = session.client.get(&path, &[]).await?;
                println!("{}", serde_json::to_string_pretty(&detail)?);
            } else {
                let detail: IncidentDetail = session.client.get(&path, &[]).await?;
                print::table(&list(std::slice::from_ref(&detail.incident)), format)?;
                print::table(&timeline(&detail), format)?;
            }
            session.close().await;
        }
        Action::Note { id, text, server } => {
            let session = Session::open(&server).await?;
            session.client.post::<Value>(&format!("api/incidents/{id}/notes"), &AddNote { text }).await?;
            session.close().await;
        }
        Action::Acknowledge { id, server } => change_status(&server, id, IncidentStatus::Acknowledged).await?,
        Action::Resolve { id, server } => change_status(&server, id, IncidentStatus::Resolved).await?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn change_status(server: &ServerArgs, id: IncidentId, status: IncidentStatus) -> anyhow::Result<()> {
    let session = Session::open(server).await?;
    let change = ChangeIncident { status: Some(status), ..Default::default() };
    let incident: Incident = session.client.send(Method::PATCH, &format!("api/incidents/{id}"), &change).await?;
    println!("{} is {:?}", incident.id, incident.status);
    session.close().await;
    Ok(())
}

fn list(incidents: &[Incident]) -> Answer {
    let row = |i: &Incident| vec![json!(i.id), json!(i.severity), json!(i.status), json!(i.opened_at), json!(i.commander), json!(i.title)];
    Answer::new(["id", "severity", "status", "opened", "commander", "title"], incidents.iter().map(row).collect())
}

fn timeline(detail: &IncidentDetail) -> Answer {
    let rows = detail.timeline.iter().map(|entry| vec![json!(entry.time), json!(entry.event.actor), json!(entry.text)]).collect();
    Answer::new(["time", "who", "what"], rows)
}

fn severity(text: &str) -> Result<Severity, String> {
    serde_json::from_value(json!(text.to_lowercase())).map_err(|_| format!("{text:?} is not a severity; choose sev1 to sev5"))
}

fn component(text: &str) -> Result<EntityRef, String> {
    EntityRef::parse_with_default_kind(text, "component").map_err(|error| error.to_string())
}
