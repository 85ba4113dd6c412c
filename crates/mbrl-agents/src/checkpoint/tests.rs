//! Checkpoints are whole or refused.

use super::{read, verify, write};
use crate::trainer::Saved;
use crate::{Agent, RunConfig, Setup};
use mbrl_core::{Env, Result, Snapshot};
use mbrl_testkit::fakes::Corridor;
use std::io;

fn agent() -> Box<dyn Agent> {
    RunConfig::default().build(&Setup::new(Corridor::new(3).spec().clone())).unwrap()
}

fn state() -> Saved {
    let text = r#"{"config":{},"dims":[1,1],"progress":{"env_steps":5,"episodes":1,"evaluated_at":null,
        "finished_early":false,"last":null,"best":null},"episode":null,"lengths":{"metrics":3,"timing":4},
        "pending":{"env_steps":5,"scalars":[["a",9221120237041090560]],"wall":{"secs":1,"nanos":2}}}"#;
    serde_json::from_str(text).unwrap()
}

fn bytes(snapshot: Option<&Snapshot>) -> Vec<u8> {
    let mut bytes = Vec::new();
    write(&mut bytes, &state(), snapshot, agent().as_ref()).unwrap();
    bytes
}

fn check(bytes: &[u8]) -> Result<()> {
    verify(&mut &bytes[..], bytes.len() as u64)
}

#[test]
fn what_is_written_is_read() {
    for snapshot in [None, Some(Snapshot::default()), Some(Snapshot::from_f64s(&[1.0, f64::NAN]))] {
        let bytes = bytes(snapshot.as_ref());
        check(&bytes).unwrap();
        let head = read(&mut bytes.as_slice(), bytes.len() as u64, agent().as_mut(), &|_| Ok(())).unwrap();
        assert_eq!((head.state, head.snapshot), (state(), snapshot));
    }
}

#[test]
fn every_damage_is_found() {
    let whole = bytes(Some(&Snapshot::from_f64s(&[1.0])));
    for len in 0..whole.len() {
        assert!(check(&whole[..len]).unwrap_err().is_corrupt(), "{len} bytes");
    }
    for at in 0..whole.len() {
        let mut damaged = whole.clone();
        damaged[at] ^= 1 << (at % 8);
        assert!(check(&damaged).unwrap_err().is_corrupt(), "byte {at}");
    }
    let longer = [whole.as_slice(), b"x"].concat();
    assert!(check(&longer).unwrap_err().is_corrupt());
}

#[test]
fn a_version_of_the_future_is_told_from_damage() {
    let mut bytes = bytes(None);
    bytes[8] = 9;
    let body = bytes.len() - 4;
    let crc = crc32fast::hash(&bytes[..body]).to_le_bytes();
    bytes[body..].copy_from_slice(&crc);
    let error = check(&bytes).unwrap_err();
    assert!(
        error.is_version() && error.to_string().contains("of version 9, and this build reads 2"),
        "{error}"
    );
}

#[test]
fn bytes_that_the_agent_does_not_know_are_refused() {
    let mut more = bytes(None);
    more.truncate(more.len() - 4);
    more.extend(b"left over");
    let crc = crc32fast::hash(&more).to_le_bytes();
    more.extend(crc);
    check(&more).unwrap();
    let error = read(&mut more.as_slice(), more.len() as u64, agent().as_mut(), &|_| Ok(())).unwrap_err();
    assert!(
        error.is_corrupt() && error.to_string().contains("9 bytes of the checkpoint are left over"),
        "{error}"
    );
}

/// A disk with room for so many bytes.
struct Disk(usize);

impl io::Write for Disk {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0 == 0 && !bytes.is_empty() {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let written = bytes.len().min(self.0);
        self.0 -= written;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_disk_that_is_full_anywhere_is_an_error() {
    let len = bytes(None).len();
    for room in 0..len {
        let error = write(&mut Disk(room), &state(), None, agent().as_ref()).unwrap_err();
        assert!(error.is_io() && error.to_string().starts_with("writing a checkpoint: "), "{room}: {error}");
    }
    write(&mut Disk(len), &state(), None, agent().as_ref()).unwrap();
}
