//! Every Artillery script of a folder, compiled without being played; see `scenario::conformance`.

use std::path::Path;

use scenario::conformance::{Outcome, check_folder};

/// Prints a line for each script, then the total. Says whether each is playable or names what it lacks.
pub fn report(folder: &Path) -> std::io::Result<bool> {
    let (mut plays, mut needs, mut missing, mut wrong) = (0, 0, 0, 0);
    for checked in check_folder(folder)? {
        let (count, word, why) = match checked.outcome {
            Outcome::Plays { scenarios, without } => {
                let without = without.iter().map(|what| format!("; {what}")).collect::<String>();
                (&mut plays, "plays", format!("{scenarios} scenarios{without}"))
            }
            Outcome::Needs(what) => (&mut needs, "needs", what),
            Outcome::Missing(what) => (&mut missing, "missing", what),
            Outcome::Wrong(what) => (&mut wrong, "wrong", what),
        };
        *count += 1;
        println!("{word:<8} {}: {why}", checked.file);
    }
    println!("total {plays} {needs} {missing} {wrong}");
    Ok(wrong == 0)
}
