//! An experiment without the secrets that stand in it.

use serde_json::Value;

use super::{Experiment, Secret};

impl Experiment {
    /// As written, for people to read: secrets that stand in it are hidden.
    pub fn document_without_secrets(&self) -> Value {
        let mut document = self.document.clone();
        let groups = document.get_mut("secrets").and_then(Value::as_object_mut);
        for (name, group) in groups.into_iter().flatten() {
            if let Some((_, secret)) = self.secrets.iter().find(|(of, _)| of == name) {
                hide(group, secret);
            }
        }
        document
    }
}

/// Leaves where a secret comes from, and takes what it is.
fn hide(written: &mut Value, secret: &Secret) {
    match secret {
        Secret::Literal(_) => *written = Value::String("***".to_owned()),
        Secret::Group(secrets) => {
            for (name, secret) in secrets {
                if let Some(written) = written.get_mut(name) {
                    hide(written, secret);
                }
            }
        }
        _ => {}
    }
}
