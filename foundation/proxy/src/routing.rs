//! What all workers read for each request: the shares and the versions, swapped as one.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::backend::Version;
use crate::error::ProxyError;
use crate::shares::{POSITIONS, Shares};

pub(crate) struct Routing {
    pub shares: Shares,
    pub versions: BTreeMap<String, Arc<Version>>,
    threshold: u64,
    old: Option<Arc<Version>>,
    new: Arc<Version>,
}

impl Routing {
    pub fn new(shares: Shares, versions: BTreeMap<String, Arc<Version>>) -> Result<Self, ProxyError> {
        shares.check()?;
        let named = |name: &String| {
            let unknown = || ProxyError::NoVersion { name: name.clone(), known: versions.keys().cloned().collect::<Vec<_>>().join(", ") };
            versions.get(name).cloned().ok_or_else(unknown)
        };
        let (old, new) = (shares.old.as_ref().map(named).transpose()?, named(&shares.new)?);
        Ok(Self { threshold: shares.threshold(), old, new, shares, versions })
    }

    /// None if the only version has no weight.
    pub fn version_for(&self, user: Option<&[u8]>) -> Option<&Arc<Version>> {
        let position = match user {
            Some(user) => self.shares.position(user),
            None if self.threshold == 0 => 0,
            None => fastrand::u64(..POSITIONS),
        };
        if position < self.threshold { Some(&self.new) } else { self.old.as_ref() }
    }
}
