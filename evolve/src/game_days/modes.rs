//! In which ways a service can fail, and which of them an experiment tries.

use documents::Graph;
use documents::experiment::{Experiment, OwnCall, Provider, Step};
use kernel::EntityRef;
use serde_json::Value;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Mode {
    Latency,
    Errors,
    Process,
    Cpu,
    Memory,
    Disk,
    Network,
    Dependency,
}

impl Mode {
    pub const ALL: [Self; 8] =
        [Self::Latency, Self::Errors, Self::Dependency, Self::Network, Self::Process, Self::Cpu, Self::Memory, Self::Disk];

    /// As a tag of an experiment names it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Latency => "latency",
            Self::Errors => "errors",
            Self::Process => "process",
            Self::Cpu => "cpu",
            Self::Memory => "memory",
            Self::Disk => "disk",
            Self::Network => "network",
            Self::Dependency => "dependency",
        }
    }

    /// For people.
    pub fn title(self) -> &'static str {
        match self {
            Self::Latency => "slow answers",
            Self::Errors => "errors",
            Self::Process => "lost process",
            Self::Cpu => "busy processor",
            Self::Memory => "scarce memory",
            Self::Disk => "full disk",
            Self::Network => "bad network",
            Self::Dependency => "dependency down",
        }
    }
}

/// Those of its faults, and those that its tags name.
pub fn modes(experiment: &Experiment) -> Vec<Mode> {
    let mut modes: Vec<Mode> = Mode::ALL.into_iter().filter(|mode| experiment.tags.iter().any(|tag| tag.eq_ignore_ascii_case(mode.name()))).collect();
    for step in &experiment.method {
        let Step::Activity(activity) = step else { continue };
        if let Provider::Mainstay(OwnCall::Fault(fault)) = &activity.provider {
            modes.extend(modes_of_fault(fault));
        }
    }
    modes.sort();
    modes.dedup();
    modes
}

/// Those that its tags name, and those of the game days that play it.
pub fn components(graph: &Graph, experiment: &Experiment) -> Vec<EntityRef> {
    let named = graph.components().filter(|entity| experiment.tags.iter().any(|tag| tag.eq_ignore_ascii_case(&entity.name)));
    let mut components: Vec<EntityRef> = named.map(|entity| entity.reference.clone()).collect();
    for day in graph.game_days.values().filter(|day| day.experiments.contains(&experiment.name)) {
        components.extend(day.components.iter().cloned());
    }
    components.sort();
    components.dedup();
    components
}

/// As it is written: what stands for a value of the configuration is not known yet.
fn modes_of_fault(fault: &Value) -> Vec<Mode> {
    match fault["fault"].as_str().unwrap_or_default() {
        "stop" | "pause" | "kill" => vec![Mode::Process],
        "cpu" => vec![Mode::Cpu],
        "memory" => vec![Mode::Memory],
        "disk" => vec![Mode::Disk],
        "network" => vec![Mode::Network],
        "proxy" => {
            let toxics = fault["toxics"].as_array().map(Vec::as_slice).unwrap_or_default();
            let down = (fault["down"] == true).then_some(Mode::Dependency);
            down.into_iter().chain(toxics.iter().filter_map(mode_of_toxic)).collect()
        }
        _ => Vec::new(),
    }
}

fn mode_of_toxic(toxic: &Value) -> Option<Mode> {
    Some(match toxic["type"].as_str()? {
        "latency" | "slow_close" | "http_delay" => Mode::Latency,
        "http_status" => Mode::Errors,
        "timeout" => Mode::Dependency,
        "bandwidth" | "slicer" | "limit_data" | "reset_peer" => Mode::Network,
        _ => return None,
    })
}
