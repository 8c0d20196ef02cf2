//! What is kept of a browser's journey besides its report.

/// A file that belongs to a test's report.
#[derive(Clone, PartialEq, Eq)]
pub struct Attachment {
    pub name: String,
    pub media_type: &'static str,
    pub bytes: Vec<u8>,
}

/// Of one journey.
pub(super) const ATTACHMENTS_MAX: usize = 20;
pub(super) const ATTACHMENT_BYTES_MAX: usize = 4 * 1024 * 1024;

impl Attachment {
    pub(super) fn png(name: &str, bytes: Vec<u8>) -> Self {
        Self { name: format!("{}.png", file_name(name)), media_type: "image/png", bytes }
    }

    pub(super) fn har(bytes: Vec<u8>) -> Self {
        Self { name: "requests.har".to_owned(), media_type: "application/json", bytes }
    }
}

/// A name that every file system takes.
fn file_name(name: &str) -> String {
    const CHARS_MAX: usize = 80;
    let plain = |letter: char| if letter.is_alphanumeric() || "-_.".contains(letter) { letter } else { '-' };
    let name: String = name.chars().take(CHARS_MAX).map(plain).collect();
    let name = name.trim_matches(['.', '-']).trim_end_matches(".png").to_owned();
    if name.is_empty() { "screenshot".to_owned() } else { name }
}

impl std::fmt::Debug for Attachment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({}, {} bytes)", self.name, self.media_type, self.bytes.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stays_within_its_folder() {
        assert_eq!(Attachment::png("../../etc/passwd", Vec::new()).name, "etc-passwd.png");
        assert_eq!(Attachment::png("Nach dem Kauf.png", Vec::new()).name, "Nach-dem-Kauf.png");
        assert_eq!(Attachment::png("…", Vec::new()).name, "screenshot.png");
    }
}
