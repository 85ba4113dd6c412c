//! Calling the driver as a person or a script would.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]
#![allow(dead_code, reason = "each test uses a part of it")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A folder of a test's own, removed when it is done.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("mbrl-xtask-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        Folder(folder)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// The driver, called here.
    pub(crate) fn call(&self, args: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
        command.current_dir(&self.0).args(args.split_whitespace());
        command
    }

    /// What the driver says to a call that succeeds.
    pub(crate) fn said(&self, args: &str) -> String {
        let output = self.call(args).output().unwrap();
        assert!(output.status.success(), "{args}: {}", stderr(&output));
        String::from_utf8(output.stdout).unwrap()
    }

    /// The JSON that the driver prints, which must be all that it prints.
    pub(crate) fn json(&self, args: &str) -> serde_json::Value {
        serde_json::from_str(&self.said(args)).unwrap()
    }

    pub(crate) fn metrics(&self, run: &str) -> Vec<u8> {
        std::fs::read(self.0.join(run).join("metrics.jsonl")).unwrap()
    }

    /// The names of what is in the folder.
    pub(crate) fn entries(&self) -> Vec<String> {
        let entries = std::fs::read_dir(&self.0).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}
