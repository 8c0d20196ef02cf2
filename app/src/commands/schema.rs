//! `mainstay schema`: the JSON Schemas of the kinds of documents, for editors.

use std::process::ExitCode;

use super::EXIT_COULD_NOT_RUN;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Which kind; without it, the kinds there are
    #[arg(value_name = "KIND")]
    kind: Option<String>,
}

pub fn run(args: Args) -> ExitCode {
    let Some(kind) = args.kind else {
        for schema in documents::schema::ALL {
            println!("{:<12}{}", schema.name, schema.title);
        }
        return ExitCode::SUCCESS;
    };
    match documents::schema::named(&kind) {
        Some(schema) => {
            print!("{}", schema.text);
            ExitCode::SUCCESS
        }
        None => {
            let names: Vec<_> = documents::schema::ALL.iter().map(|schema| schema.name).collect();
            eprintln!("mainstay: there is no schema {kind:?}; there are {}", names.join(", "));
            ExitCode::from(EXIT_COULD_NOT_RUN)
        }
    }
}
