//! Files: equal after loading, and refused after any damage; nothing lost where writing fails.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use common::{DIMS, filled, push, with_row};
use mbrl_buffer::{
    Dims, End, Error, Key, PrioritizedBuffer, PrioritizedConfig, ReplayBuffer, Result, TransitionBatch,
    write_aside,
};
use std::io::{self, Write};
use std::path::PathBuf;

fn saved(buffer: &ReplayBuffer) -> Vec<u8> {
    let mut bytes = Vec::new();
    buffer.save(&mut bytes).unwrap();
    bytes
}

fn prioritized() -> PrioritizedBuffer {
    let mut buffer =
        PrioritizedBuffer::new(filled(3, 2, 9, End::Terminated), PrioritizedConfig::default()).unwrap();
    for serial in 2..5 {
        with_row(serial, End::Running, |row| buffer.push(row)).unwrap();
    }
    buffer.update(&[2, 4], &[0.5, 3.0]).unwrap();
    buffer
}

fn saved_prioritized(buffer: &PrioritizedBuffer) -> Vec<u8> {
    let mut bytes = Vec::new();
    buffer.save(&mut bytes).unwrap();
    bytes
}

/// One line that says more than that it failed.
fn assert_refused<T: std::fmt::Debug>(loaded: Result<T>, damage: impl std::fmt::Display) {
    let error = loaded.expect_err(&damage.to_string());
    assert!(error.is_corrupt() || error.is_version(), "{damage}: {error:?}");
    let text = error.to_string();
    assert!(text.len() > 20 && !text.contains('\n'), "{damage}: {text}");
}

/// Each damage that one byte can suffer, each length that is too short, and bytes too many.
fn assert_every_damage_is_refused<T: std::fmt::Debug>(bytes: &[u8], load: impl Fn(&[u8]) -> Result<T>) {
    load(bytes).unwrap();
    let mut damaged = bytes.to_vec();
    for at in 0..bytes.len() {
        for mask in 1..=255 {
            damaged[at] ^= mask;
            assert_refused(load(&damaged), format_args!("byte {at} with mask {mask}"));
            damaged[at] ^= mask;
        }
        let short = load(&bytes[..at]);
        assert!(
            short
                .as_ref()
                .is_err_and(|error| error.to_string().contains(&format!("it ends after {at} bytes")))
        );
        assert_refused(short, format_args!("{at} bytes"));
    }
    for tail in [&[0][..], &[0xff], bytes, &[0; 1000]] {
        assert_refused(load(&[bytes, tail].concat()), format_args!("{} bytes more", tail.len()));
    }
}

#[test]
fn a_buffer_is_the_same_after_loading() {
    let mut buffers = vec![
        ReplayBuffer::new(DIMS, 5).unwrap(),
        filled(5, 3, 2, End::Terminated),
        filled(5, 5, 2, End::Truncated),
        filled(5, 13, 4, End::Terminated),
        ReplayBuffer::new(Dims { obs: 0, act: 0 }, 7).unwrap(),
    ];
    let mut lanes = ReplayBuffer::with_lanes(DIMS, 6, 2).unwrap();
    (0..9).for_each(|serial| push(&mut lanes, serial, End::Running));
    lanes.cut_episodes();
    push(&mut lanes, 9, End::Running);
    buffers.push(lanes);
    // Far more than is read at once.
    buffers.push(filled(20_000, 30_000, 100, End::Terminated));
    for buffer in buffers {
        let loaded = ReplayBuffer::load(&saved(&buffer)[..]).unwrap();
        assert_eq!(loaded, buffer);
        // What comes after is the same too.
        let (mut after, mut expected) = (loaded, buffer);
        if after.dims() == DIMS {
            for serial in 0..4 {
                push(&mut after, serial, End::Running);
                push(&mut expected, serial, End::Running);
            }
            let (mut a, mut b) = (TransitionBatch::default(), TransitionBatch::default());
            after.sample(64, Key::root(1), &mut a).unwrap();
            expected.sample(64, Key::root(1), &mut b).unwrap();
            assert_eq!(a, b);
        }
        assert_eq!(after, expected);
    }
}

#[test]
fn damage_is_refused() {
    assert_every_damage_is_refused(&saved(&filled(4, 7, 3, End::Truncated)), |bytes| {
        ReplayBuffer::load(bytes)
    });
    assert_every_damage_is_refused(&saved(&ReplayBuffer::new(DIMS, 4).unwrap()), |bytes| {
        ReplayBuffer::load(bytes)
    });
    let buffer = prioritized();
    assert_every_damage_is_refused(&saved_prioritized(&buffer), |bytes| PrioritizedBuffer::load(bytes));
    assert_eq!(PrioritizedBuffer::load(&saved_prioritized(&buffer)[..]).unwrap(), buffer);
}

#[test]
fn what_is_no_such_file_is_told_apart() {
    let error = |bytes: &[u8]| ReplayBuffer::load(bytes).unwrap_err();
    assert!(error(b"PK\x03\x04 and more").is_corrupt());
    let text = error(&saved_prioritized(&prioritized())).to_string();
    assert_eq!(text, "this is no file of a replay buffer: it begins with \"mbrlprio\"");
    let mut newer = saved(&filled(4, 7, 3, End::Truncated));
    newer[8] = 2;
    assert!(error(&newer).is_version());
    assert_eq!(
        error(&newer).to_string(),
        "the file of a replay buffer has format version 2 and this build reads 1: use the build that wrote it"
    );
}

/// A file whose checksums are right and whose contents are not.
fn forged(header: [u32; 6], words: &[u32]) -> Vec<u8> {
    let mut bytes = b"mbrlring".to_vec();
    bytes.extend([1].iter().chain(&header).flat_map(|number| number.to_le_bytes()));
    bytes.extend(crc32fast::hash(&bytes).to_le_bytes());
    bytes.extend(words.iter().flat_map(|word| word.to_le_bytes()));
    bytes.extend(crc32fast::hash(&bytes).to_le_bytes());
    bytes
}

#[test]
fn forgeries_are_refused() {
    // Widths 0 and 0: a row is reward, tag, origin.
    let load = |header, words: &[u32]| ReplayBuffer::load(&forged(header, words)[..]);
    let row = [0, 1 << 2, u32::MAX];
    assert!(load([0, 0, 1, 4, 1, 0], &row).is_ok());
    for (what, header) in [
        ("no lanes", [0, 0, 0, 4, 1, 0]),
        ("no capacity", [0, 0, 1, 0, 0, 0]),
        ("more rows than capacity", [0, 0, 1, 4, 5, 0]),
        ("a capacity of half a step", [0, 0, 3, 4, 1, 0]),
        ("more cuts than lanes", [0, 0, 1, 4, 1, 2]),
        ("rows that are not there", [0, 0, 1, u32::MAX, u32::MAX, 0]),
        ("endless rows", [u32::MAX / 2 - 2, 0, 1, u32::MAX, u32::MAX, 0]),
        ("rows too wide", [u32::MAX, u32::MAX, 1, 4, 1, 0]),
    ] {
        assert_refused(load(header, &row), what);
    }
    for (what, row) in [
        ("a reward that is no number", [f32::NAN.to_bits(), 1 << 2, 0]),
        ("an end that is none", [0, 1 << 2 | 3, 0]),
        ("a row of no episode", [0, 0, 0]),
    ] {
        assert_refused(load([0, 0, 1, 4, 1, 0], &row), what);
    }
    // Two rows, of which the second continues an episode that ended, or skips a step of one that did not.
    assert_refused(load([0, 0, 1, 4, 2, 0], &[0, 1 << 2 | 1, 0, 0, 2 << 2, 0]), "an end that is ignored");
    assert_refused(load([0, 0, 1, 4, 2, 0], &[0, 1 << 2, 0, 0, 3 << 2, 0]), "a step that is skipped");
    assert!(load([0, 0, 1, 4, 2, 0], &[0, 5 << 2, 0, 0, 6 << 2, 0]).is_ok());
}

/// A disk that is full after so many bytes.
struct FullAfter(usize);

impl Write for FullAfter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0 == 0 {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let n = bytes.len().min(self.0);
        self.0 -= n;
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_full_disk_is_an_error_wherever_it_fills_up() {
    let (buffer, priorities) = (filled(4, 7, 3, End::Truncated), prioritized());
    let (len, longer) = (saved(&buffer).len(), saved_prioritized(&priorities).len());
    for k in 0..len {
        let error = buffer.save(FullAfter(k)).unwrap_err();
        assert!(error.is_io() && error.to_string().starts_with("writing a replay buffer: "), "{k}: {error}");
    }
    (0..longer).for_each(|k| assert!(priorities.save(FullAfter(k)).unwrap_err().is_io()));
    buffer.save(FullAfter(len)).unwrap();
    priorities.save(FullAfter(longer)).unwrap();
}

#[cfg(target_os = "linux")]
#[test]
fn the_full_device_is_full() {
    let device = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let error = filled(4, 7, 3, End::Truncated).save(device).unwrap_err();
    assert!(error.is_io() && error.to_string().contains("No space left"), "{error}");
}

/// A folder of its own for a test, removed at its end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("mbrl-buffer-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    fn files(&self) -> Vec<String> {
        let entries = std::fs::read_dir(&self.0).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort_unstable();
        names
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn files_come_into_place_whole_or_not_at_all() {
    let folder = Folder::new("aside");
    let path = folder.0.join("replay.mbrl");
    let (old, new) = (filled(4, 7, 3, End::Truncated), filled(9, 20, 3, End::Terminated));
    old.save_to(&path).unwrap();
    assert_eq!(ReplayBuffer::load_from(&path).unwrap(), old);
    for k in 0..saved(&new).len() {
        let written = &saved(&new)[..k];
        let error = write_aside(&path, |out| {
            out.write_all(written).map_err(Error::io)?;
            Err(Error::io(io::ErrorKind::StorageFull.into()))
        });
        assert!(error.unwrap_err().is_io());
        assert_eq!(ReplayBuffer::load_from(&path).unwrap(), old);
        assert_eq!(folder.files(), ["replay.mbrl"]);
    }
    new.save_to(&path).unwrap();
    assert_eq!(ReplayBuffer::load_from(&path).unwrap(), new);
    prioritized().save_to(folder.0.join("priorities.mbrl")).unwrap();
    assert_eq!(PrioritizedBuffer::load_from(folder.0.join("priorities.mbrl")).unwrap(), prioritized());
    assert_eq!(folder.files(), ["priorities.mbrl", "replay.mbrl"]);
}

#[test]
fn a_writer_that_panics_leaves_nothing_behind() {
    let folder = Folder::new("panic");
    let path = folder.0.join("replay.mbrl");
    let writing = std::panic::catch_unwind(|| write_aside(&path, |_| panic!("on purpose")));
    assert!(writing.is_err() && folder.files().is_empty());
}

#[cfg(unix)]
#[test]
fn a_link_stays_a_link() {
    let folder = Folder::new("link");
    let (file, link) = (folder.0.join("file"), folder.0.join("link"));
    std::fs::write(&file, "old").unwrap();
    std::os::unix::fs::symlink(&file, &link).unwrap();
    write_aside(&link, |out| out.write_all(b"new").map_err(Error::io)).unwrap();
    assert!(std::fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(std::fs::read(&file).unwrap(), b"new");
}

#[cfg(unix)]
#[test]
fn what_is_no_regular_file_is_not_replaced() {
    let folder = Folder::new("socket");
    let path = folder.0.join("socket");
    let _listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
    let error = filled(4, 7, 3, End::Truncated).save_to(&path).unwrap_err();
    assert!(error.to_string().ends_with(": this is no regular file: name another"), "{error}");
    assert_eq!(folder.files(), ["socket"]);
}

#[test]
fn paths_that_cannot_be_are_named() {
    let folder = Folder::new("paths");
    let missing = folder.0.join("no such folder").join("replay.mbrl");
    let buffer = filled(4, 7, 3, End::Truncated);
    for path in [&missing, &folder.0] {
        let error = buffer.save_to(path).unwrap_err().to_string();
        assert!(error.starts_with(&format!("writing {}: ", path.display())), "{error}");
        let error = ReplayBuffer::load_from(path).unwrap_err();
        assert!(error.to_string().starts_with(&format!("reading {}: ", path.display())), "{error}");
    }
    assert!(buffer.save_to("").is_err() && buffer.save_to("/").is_err());
    assert!(folder.files().is_empty());
}
