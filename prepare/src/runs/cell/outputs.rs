//! What a cell hands out: lines `name=value`, or `name<<END`, lines, `END`.

use std::collections::BTreeMap;

/// All values together; they are in the environment of every later cell.
pub const MAX_BYTES: usize = 256 * 1024;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OutputsError {
    #[error("line {line} of MAINSTAY_OUTPUT is neither name=value nor name<<END: {text:?}")]
    Line { line: usize, text: String },
    #[error("line {line} of MAINSTAY_OUTPUT: {name:?} cannot be the name of an output; use letters, digits and _, and not MAINSTAY_ in front")]
    Name { line: usize, name: String },
    #[error("line {line} of MAINSTAY_OUTPUT: the value of {name:?} does not end; a line {end:?} must close it")]
    Open { line: usize, name: String, end: String },
    #[error("MAINSTAY_OUTPUT is not UTF-8 text without zero bytes")]
    Text,
    #[error("MAINSTAY_OUTPUT holds more than {} KiB; write large results to a file of your own and hand out its name", MAX_BYTES >> 10)]
    TooLarge,
}

pub fn parse(bytes: &[u8]) -> Result<BTreeMap<String, String>, OutputsError> {
    if bytes.len() > MAX_BYTES {
        return Err(OutputsError::TooLarge);
    }
    let text = std::str::from_utf8(bytes).ok().filter(|text| !text.contains('\0')).ok_or(OutputsError::Text)?;
    let mut outputs = BTreeMap::new();
    let mut lines = (1..).zip(text.lines());
    while let Some((line, text)) = lines.next() {
        if text.trim().is_empty() {
            continue;
        }
        let equals = text.find('=').unwrap_or(text.len());
        let heredoc = text.find("<<").filter(|at| *at < equals);
        let (name, value) = match heredoc {
            Some(at) => {
                let (name, end) = (text[..at].trim(), text[at + 2..].trim());
                let mut value = Vec::new();
                loop {
                    match lines.next() {
                        Some((_, text)) if text.trim_end() == end => break,
                        Some((_, text)) => value.push(text),
                        None => return Err(OutputsError::Open { line, name: name.to_owned(), end: end.to_owned() }),
                    }
                }
                (name, value.join("\n"))
            }
            None if equals < text.len() => (text[..equals].trim(), text[equals + 1..].to_owned()),
            None => return Err(OutputsError::Line { line, text: text.chars().take(80).collect() }),
        };
        if !is_variable(name) || name.starts_with("MAINSTAY_") {
            return Err(OutputsError::Name { line, name: name.to_owned() });
        }
        outputs.insert(name.to_owned(), value);
    }
    Ok(outputs)
}

/// Whether a shell can name it.
pub fn is_variable(name: &str) -> bool {
    name.bytes().next().is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_lines_and_blocks() {
        let outputs = parse(b"service=orders\nurl=http://x/?a=b\n\nreport<<END\nfirst\n  second=2\nEND\nempty=\n").unwrap();
        let expected = [("service", "orders"), ("url", "http://x/?a=b"), ("report", "first\n  second=2"), ("empty", "")];
        assert_eq!(outputs, expected.map(|(name, value)| (name.to_owned(), value.to_owned())).into());
    }

    #[test]
    fn says_which_line_is_wrong() {
        for (text, expected) in [
            ("a=1\nnonsense", "line 2 of MAINSTAY_OUTPUT is neither name=value nor name<<END: \"nonsense\""),
            ("report<<END\nx", "line 1 of MAINSTAY_OUTPUT: the value of \"report\" does not end; a line \"END\" must close it"),
            ("a-b=1", "line 1 of MAINSTAY_OUTPUT: \"a-b\" cannot be the name of an output; use letters, digits and _, and not MAINSTAY_ in front"),
            ("MAINSTAY_RUN=1", "line 1 of MAINSTAY_OUTPUT: \"MAINSTAY_RUN\" cannot be the name of an output; use letters, digits and _, and not MAINSTAY_ in front"),
        ] {
            assert_eq!(parse(text.as_bytes()).unwrap_err().to_string(), expected);
        }
        assert_eq!(parse(b"a=\xff"), Err(OutputsError::Text));
        assert_eq!(parse(&vec![b'a'; MAX_BYTES + 1]), Err(OutputsError::TooLarge));
    }
}
