//! Did you mean?

/// The known name nearest to what was written, if it is near enough to be a slip.
pub fn nearest<'a>(written: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if written.len() > NAME_BYTES_MAX {
        return None;
    }
    let lower = written.to_lowercase();
    known
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(&lower, &name.to_lowercase()), name))
        .filter(|(distance, name)| *distance <= name.chars().count() / 3)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// "did you mean `x`?", else the names there are.
pub fn mend<'a>(written: &str, known: impl IntoIterator<Item = &'a str> + Clone, what: &str) -> Option<String> {
    if let Some(name) = nearest(written, known.clone()) {
        return Some(format!("did you mean `{name}`?"));
    }
    let names: Vec<String> = known.into_iter().take(SHOWN_MAX + 1).map(|name| format!("`{name}`")).collect();
    match names.len() {
        0 => None,
        count if count > SHOWN_MAX => None,
        _ => Some(format!("{what}: {}", names.join(", "))),
    }
}

/// Longer texts are no slips of names, and comparing them takes time.
const NAME_BYTES_MAX: usize = 200;
/// A longer list helps nobody.
const SHOWN_MAX: usize = 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_slips_and_not_strangers() {
        assert_eq!(nearest("titel", ["summary", "title"]), Some("title"));
        assert_eq!(nearest("Runbok", ["Runbook", "Playbook"]), Some("Runbook"));
        assert_eq!(nearest("7", ["1", "2"]), None);
        assert_eq!(nearest("colour", ["owner", "domain"]), None);
    }
}
