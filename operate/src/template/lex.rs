//! Splits a template into text and the tokens of its actions.

use super::TemplateError;

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Piece {
    Text(String),
    Action(Vec<Token>),
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    Word(String),
    /// `.name`, or `.` alone with an empty name. `glued` if it directly follows what it is a field of.
    Field { name: String, glued: bool },
    /// `$name`; `$` alone with an empty name.
    Variable(String),
    Text(String),
    Int(i64),
    Float(f64),
    Pipe,
    Comma,
    Open,
    Close,
    Declare,
    Assign,
}

type Result<T> = std::result::Result<T, TemplateError>;

/// Comments are left out, and the white space that `{{-` and `-}}` trim.
pub(super) fn pieces(template: &str) -> Result<Vec<Piece>> {
    let mut pieces = Vec::new();
    let mut rest = template;
    let mut trim_start = false;
    while let Some(at) = rest.find("{{") {
        let (mut text, mut action) = (&rest[..at], &rest[at + 2..]);
        if trim_start {
            text = text.trim_start();
        }
        if action.starts_with('-') && action[1..].starts_with(|c: char| c.is_ascii_whitespace()) {
            action = &action[1..];
            text = text.trim_end();
        }
        push_text(&mut pieces, text);
        let comment = action.trim_start().strip_prefix("/*");
        let (inside, after) = match comment {
            Some(comment) => {
                let end = comment.find("*/").ok_or_else(|| error("a comment does not end; close it with */}}"))?;
                let (inside, after) = split_action(&comment[end + 2..])?;
                if !matches!(inside.trim(), "" | "-") {
                    return Err(error("a comment fills its whole action"));
                }
                (inside, after)
            }
            None => split_action(action)?,
        };
        let trimmed = inside.strip_suffix('-').filter(|before| before.ends_with(|c: char| c.is_ascii_whitespace()));
        trim_start = trimmed.is_some() || (comment.is_some() && inside.trim() == "-");
        if comment.is_none() {
            pieces.push(Piece::Action(tokens(trimmed.unwrap_or(inside))?));
        }
        rest = after;
    }
    push_text(&mut pieces, if trim_start { rest.trim_start() } else { rest });
    Ok(pieces)
}

fn push_text(pieces: &mut Vec<Piece>, text: &str) {
    if !text.is_empty() {
        pieces.push(Piece::Text(text.to_owned()));
    }
}

/// What stands before `}}` and what after. Quotes may hold braces.
fn split_action(text: &str) -> Result<(&str, &str)> {
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'}' if bytes.get(at + 1) == Some(&b'}') => return Ok((&text[..at], &text[at + 2..])),
            quote @ (b'"' | b'`' | b'\'') => at = closing_quote(bytes, at, quote).ok_or_else(|| error("a quoted text does not end"))?,
            _ => {}
        }
        at += 1;
    }
    Err(error("an action does not end; close it with }}"))
}

fn closing_quote(bytes: &[u8], open: usize, quote: u8) -> Option<usize> {
    let mut at = open + 1;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' if quote != b'`' => at += 1,
            byte if byte == quote => return Some(at),
            _ => {}
        }
        at += 1;
    }
    None
}

fn tokens(text: &str) -> Result<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut rest = text;
    loop {
        let trimmed = rest.trim_start();
        let glued = trimmed.len() == rest.len() && !tokens.is_empty();
        let Some(first) = trimmed.chars().next() else { return Ok(tokens) };
        let (token, length) = match first {
            '|' => (Token::Pipe, 1),
            ',' => (Token::Comma, 1),
            '(' => (Token::Open, 1),
            ')' => (Token::Close, 1),
            '=' => (Token::Assign, 1),
            ':' if trimmed.starts_with(":=") => (Token::Declare, 2),
            '"' | '`' | '\'' => quoted(trimmed, first)?,
            '$' => {
                let length = name_length(&trimmed[1..]);
                (Token::Variable(trimmed[1..1 + length].to_owned()), 1 + length)
            }
            '.' if !trimmed[1..].starts_with(|c: char| c.is_ascii_digit()) => {
                let length = name_length(&trimmed[1..]);
                (Token::Field { name: trimmed[1..1 + length].to_owned(), glued }, 1 + length)
            }
            c if c.is_ascii_digit() || matches!(c, '+' | '-' | '.') => number(trimmed)?,
            c if c.is_alphabetic() || c == '_' => {
                let length = name_length(trimmed);
                (Token::Word(trimmed[..length].to_owned()), length)
            }
            other => return Err(error(format!("{other:?} cannot stand in an action"))),
        };
        tokens.push(token);
        rest = &trimmed[length..];
    }
}

fn name_length(text: &str) -> usize {
    text.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(text.len())
}

fn number(text: &str) -> Result<(Token, usize)> {
    let mut length = 0;
    for (at, c) in text.char_indices() {
        let sign = matches!(c, '+' | '-') && (at == 0 || text[..at].ends_with(['e', 'E']));
        if !(c.is_ascii_alphanumeric() || matches!(c, '.' | '_') || sign) {
            break;
        }
        length = at + c.len_utf8();
    }
    let written = text[..length].replace('_', "");
    let token = match (hexadecimal(&written), written.parse::<i64>(), written.parse::<f64>()) {
        (Some(int), _, _) | (None, Ok(int), _) => Token::Int(int),
        (None, Err(_), Ok(float)) => Token::Float(float),
        _ => return Err(error(format!("{written:?} is not a number"))),
    };
    Ok((token, length))
}

fn hexadecimal(text: &str) -> Option<i64> {
    i64::from_str_radix(text.strip_prefix("0x")?, 16).ok()
}

/// A text in quotes; a character in single quotes is its number, as in Go.
fn quoted(text: &str, quote: char) -> Result<(Token, usize)> {
    let end = closing_quote(text.as_bytes(), 0, quote as u8).ok_or_else(|| error("a quoted text does not end"))?;
    let inside = &text[1..end];
    let token = match quote {
        '`' => Token::Text(inside.to_owned()),
        '"' => Token::Text(unescape(inside)?),
        _ => {
            let text = unescape(inside)?;
            let mut characters = text.chars();
            match (characters.next(), characters.next()) {
                (Some(character), None) => Token::Int(character as i64),
                _ => return Err(error(format!("'{inside}' is not one character; write texts in double quotes"))),
            }
        }
    };
    Ok((token, end + 1))
}

fn unescape(text: &str) -> Result<String> {
    let mut plain = String::new();
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        if character != '\\' {
            plain.push(character);
            continue;
        }
        let escaped = match characters.next() {
            Some('n') => Some('\n'),
            Some('t') => Some('\t'),
            Some('r') => Some('\r'),
            Some(same @ ('"' | '\'' | '\\')) => Some(same),
            Some('x') => code_point(&mut characters, 2),
            Some('u') => code_point(&mut characters, 4),
            Some('U') => code_point(&mut characters, 8),
            _ => None,
        };
        plain.push(escaped.ok_or_else(|| error(format!("\"{text}\" holds an unknown escape; write a backslash as \\\\")))?);
    }
    Ok(plain)
}

fn code_point(characters: &mut std::str::Chars, digits: usize) -> Option<char> {
    let digits: String = characters.take(digits).collect();
    char::from_u32(u32::from_str_radix(&digits, 16).ok()?)
}

fn error(message: impl Into<String>) -> TemplateError {
    TemplateError(message.into())
}
