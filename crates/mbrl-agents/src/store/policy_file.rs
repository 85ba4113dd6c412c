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
        write_aside(self.path().join(POLICY), |out| policy.save(out))
    }

    /// The policy of the newest checkpoint; nothing, where the run has none.
    pub(crate) fn read_policy(&self) -> Result<Option<SacPolicy>> {
        let path = self.path().join(POLICY);
        let place = || path.display().to_string();
        match File::open(&path) {
            Ok(file) => {
                let loaded = SacPolicy::load(&mut BufReader::new(file));
                loaded.map(Some).map_err(with_mend).with_context(place)
            }
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::io(error)).with_context(place),
        }
    }
}

/// The file holds nothing that a checkpoint does not, so that one which is damaged or of another version is no loss.
fn with_mend(error: Error) -> Error {
    let mend = "go on with the run by --resume, which writes it anew";
    if error.is_version() {
        Error::version(format_args!("{error}: {mend}"))
    } else if error.is_io() {
        error
    } else {
        Error::corrupt(format_args!("{error}: {mend}"))
    }
}
