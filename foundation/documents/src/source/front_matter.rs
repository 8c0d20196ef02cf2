//! Front matter: YAML between two lines of `---` at the top of a Markdown file.

/// A text split at its front matter.
#[derive(Debug, PartialEq, Eq)]
pub struct Split<'a> {
    pub front: &'a str,
    pub body: &'a str,
    /// How many lines stand before the body.
    pub body_line: u32,
}

/// `None` if the text does not begin with `---`, or no second `---` closes it.
pub fn split(text: &str) -> Option<Split<'_>> {
    let after = text.strip_prefix("---").and_then(line_end)?;
    let front_start = text.len() - after.len();
    let mut offset = front_start;
    for (index, line) in after.split_inclusive('\n').enumerate() {
        if line.trim_end() == "---" {
            return Some(Split {
                front: &text[front_start..offset],
                body: &text[offset + line.len()..],
                body_line: index as u32 + 2,
            });
        }
        offset += line.len();
    }
    None
}

/// The rest after the end of a line that holds nothing more.
fn line_end(rest: &str) -> Option<&str> {
    let rest = rest.trim_start_matches([' ', '\t', '\r']);
    rest.strip_prefix('\n')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_and_counts_lines() {
        let split = split("---\nkind: Runbook\n---\n# Title\n").unwrap();
        assert_eq!((split.front, split.body, split.body_line), ("kind: Runbook\n", "# Title\n", 3));
    }

    #[test]
    fn leaves_other_texts_alone() {
        for text in ["# Title", "---", "---\nopen: true\n", "--- # yaml\na: 1\n---\n", ""] {
            assert_eq!(split(text), None, "{text:?}");
        }
    }
}
