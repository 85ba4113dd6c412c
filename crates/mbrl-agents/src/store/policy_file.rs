//! The policy of a run, beside its checkpoints: what is needed to act, and no more.

use super::RunDir;
use crate::SacPolicy;
use mbrl_buffer::write_aside;
use mbrl_core::{Context, Error, Result};
use std::fs::File;
use std::io::{BufReader, ErrorKind};

const POLICY: &str = "policy.safetensors";

impl RunDir {
    /// Puts the policy that acts by now in the place of the one before.
    pub(crate) fn write_policy(&self, policy: &SacPolicy) -> Result<()> {
        let path = self.path().join(POLICY);
        write_aside(&path, |out| policy.save(out)).with_context(|| path.display().to_string())
    }

    /// The policy of the newest checkpoint; nothing, where the run has none.
    pub(crate) fn read_policy(&self) -> Result<Option<SacPolicy>> {
        let path = self.path().join(POLICY);
        let place = || path.display().to_string();
        match File::open(&path) {
            Ok(file) => SacPolicy::load(&mut BufReader::new(file)).map(Some).with_context(place),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::io(error)).with_context(place),
        }
    }
}
