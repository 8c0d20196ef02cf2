//! Text templates: Prometheus's (`{{ $labels.x }}`, Go's syntax) and those of event rules
//! (`{{ data.labels.component }}`, dotted paths into the event).

/// Whether braces, quotes and blocks of a Go template balance. What the actions say is not judged.
pub fn check_go(text: &str) -> Result<(), String> {
    let mut blocks = Vec::new();
    for action in actions(text) {
        let action = action?;
        let action = action.trim_start_matches('-').trim_end_matches('-').trim();
        match action.split_whitespace().next() {
            None => return Err("`{{ }}` is empty".to_owned()),
            Some(word @ ("if" | "range" | "with" | "define" | "block")) => blocks.push(word),
            Some("end") if blocks.pop().is_none() => return Err("`{{ end }}` closes nothing".to_owned()),
            Some("else") if blocks.is_empty() => return Err("`{{ else }}` stands in no block".to_owned()),
            _ => {}
        }
    }
    blocks.pop().map_or(Ok(()), |block| Err(format!("`{{{{ {block} }}}}` has no `{{{{ end }}}}`")))
}

/// Whether every `{{ … }}` holds a dotted path.
pub fn check_event(text: &str) -> Result<(), String> {
    for action in actions(text) {
        let action = action?;
        let path = action.trim();
        let is_path = path.split('.').all(|part| !part.is_empty() && part.chars().all(|c| c.is_alphanumeric() || "_-@/".contains(c)));
        if !is_path {
            return Err(format!("`{path}` is not a path into the event; write for example `{{{{ data.labels.component }}}}`"));
        }
    }
    Ok(())
}

/// The insides of `{{ … }}`, one after the other.
fn actions(text: &str) -> impl Iterator<Item = Result<&str, String>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let Some(open) = rest.find("{{") else {
            let stray = rest.contains("}}");
            rest = "";
            return stray.then(|| Err("`}}` without `{{`".to_owned()));
        };
        if rest[..open].contains("}}") {
            rest = "";
            return Some(Err("`}}` without `{{`".to_owned()));
        }
        let inside = &rest[open + 2..];
        match end_of_action(inside) {
            Some(end) => {
                rest = &inside[end + 2..];
                Some(Ok(&inside[..end]))
            }
            None => {
                rest = "";
                Some(Err("`{{` without `}}`".to_owned()))
            }
        }
    })
}

/// Where `}}` stands outside quotes.
fn end_of_action(inside: &str) -> Option<usize> {
    let mut quote = None;
    let mut escaped = false;
    for (index, character) in inside.char_indices() {
        match quote {
            Some(open) => {
                if escaped {
                    escaped = false;
                } else if character == '\\' && open != '`' {
                    escaped = true;
                } else if character == open {
                    quote = None;
                }
            }
            None if matches!(character, '"' | '`') => quote = Some(character),
            None if inside[index..].starts_with("}}") => return Some(index),
            None => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn go_templates_balance() {
        for text in ["", "plain", "{{ $value }} of {{ $labels.x }}", r#"{{ printf "}}" }}"#, "{{- if gt $value 1.0 -}}a{{ else }}b{{ end }}"] {
            assert_eq!(check_go(text), Ok(()), "{text}");
        }
        for text in ["{{ $value", "}}", "{{ }}", "{{ if x }}", "{{ end }}", "a }} {{ b }}", r#"{{ "open }}"#] {
            assert!(check_go(text).is_err(), "{text}");
        }
    }

    #[test]
    fn event_templates_hold_paths() {
        assert_eq!(check_event("{{ data.labels.component }} and {{subject}}"), Ok(()));
        for text in ["{{ data..x }}", "{{ }}", "{{ a b }}", "{{ a"] {
            assert!(check_event(text).is_err(), "{text}");
        }
    }
}
