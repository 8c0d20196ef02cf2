//! A small program around faults, as the server is: `faults guard [NAME]` is the hidden subcommand, `faults begin
//! DATA` begins the faults that standard input holds, one JSON object `{"spec": …, "bounds": …}` in a line,
//! and keeps them until standard input ends.

use std::io::BufRead;
use std::path::PathBuf;

use mainstay_evolve::faults::{Bounds, FaultSpec, Injector, Settings, guard};
use serde::Deserialize;

#[derive(Deserialize)]
struct Line {
    spec: FaultSpec,
    bounds: Bounds,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["guard", ..] => Ok(guard::run().await?),
        ["begin", data] => begin(data.into()).await,
        _ => Err("faults guard, or faults begin DATA".into()),
    }
}

async fn begin(data: PathBuf) -> Result<(), Box<dyn std::error::Error>> {
    let guard = vec![std::env::current_exe()?.into(), "guard".into(), data.clone().into()];
    let injector = Injector::new(Settings { data, guard });
    let mut active = Vec::new();
    for line in std::io::stdin().lock().lines() {
        let Line { spec, bounds } = serde_json::from_str(&line?)?;
        match injector.begin(&spec, &bounds).await {
            Ok(fault) => {
                println!("begun {}", fault.fault());
                active.push(fault);
            }
            Err(error) => println!("refused {error}"),
        }
    }
    for fault in active {
        let name = fault.fault();
        match fault.lift().await {
            Ok(()) => println!("lifted {name}"),
            Err(error) => println!("failed {error}"),
        }
    }
    Ok(())
}
