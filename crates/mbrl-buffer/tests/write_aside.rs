//! Writing aside: a file is the whole old one or the whole new one, and nothing else is left.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use common::filled;
use mbrl_buffer::{End, Error, PrioritizedBuffer, PrioritizedConfig, ReplayBuffer, write_aside};
use std::io;
use std::path::{Path, PathBuf};

fn write(path: &Path, text: &str) -> mbrl_buffer::Result<()> {
    write_aside(path, |out| out.write_all(text.as_bytes()).map_err(Error::io))
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
    let mut whole = Vec::new();
    new.save(&mut whole).unwrap();
    for k in 0..whole.len() {
        let written = &whole[..k];
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
    let prioritized = PrioritizedBuffer::new(new, PrioritizedConfig::default()).unwrap();
    prioritized.save_to(folder.0.join("priorities.mbrl")).unwrap();
    assert_eq!(PrioritizedBuffer::load_from(folder.0.join("priorities.mbrl")).unwrap(), prioritized);
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
        let error = ReplayBuffer::load_from(path).unwrap_err().to_string();
        assert!(error.contains(&format!("{}: ", path.display())) && error.contains("reading"), "{error}");
    }
    assert!(buffer.save_to("").is_err() && buffer.save_to("/").is_err());
    assert!(folder.files().is_empty());
}

#[cfg(unix)]
#[test]
fn a_link_to_what_is_not_there_yet_stays_a_link() {
    use std::os::unix::fs::symlink;
    let folder = Folder::new("dangling");
    std::fs::create_dir(folder.0.join("there")).unwrap();
    // A relative link in another folder, and a link to that.
    let (inner, outer) = (folder.0.join("there").join("inner"), folder.0.join("outer"));
    symlink("../file", &inner).unwrap();
    symlink("there/inner", &outer).unwrap();
    write(&outer, "new").unwrap();
    assert!(std::fs::symlink_metadata(&outer).unwrap().is_symlink());
    assert!(std::fs::symlink_metadata(&inner).unwrap().is_symlink());
    assert_eq!(std::fs::read_to_string(folder.0.join("file")).unwrap(), "new");
    assert_eq!(folder.files(), ["file", "outer", "there"]);

    let (a, b) = (folder.0.join("a"), folder.0.join("b"));
    symlink("b", &a).unwrap();
    symlink("a", &b).unwrap();
    let error = write(&a, "new").unwrap_err().to_string();
    assert!(error.ends_with(": its links lead in a circle: name a file"), "{error}");
    symlink("no such folder/file", folder.0.join("nowhere")).unwrap();
    assert!(write(&folder.0.join("nowhere"), "new").unwrap_err().is_io());
    assert_eq!(folder.files(), ["a", "b", "file", "nowhere", "outer", "there"]);
}

#[cfg(unix)]
#[test]
fn permissions_are_kept() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    let folder = Folder::new("permissions");
    let path = folder.0.join("file");
    for mode in [0o600, 0o640, 0o664, 0o400] {
        let _ = std::fs::remove_file(&path);
        std::fs::write(&path, "old").unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
        write_aside(&path, |out| {
            // Nobody may read what is half written either.
            for name in folder.files() {
                let half = std::fs::metadata(folder.0.join(&name)).unwrap();
                assert_eq!(half.mode() & 0o7777, mode, "{name}");
            }
            assert_eq!(folder.files().len(), 2);
            out.write_all(b"new").map_err(Error::io)
        })
        .unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o7777, mode);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "new");
    }
}

#[test]
fn a_name_may_be_as_long_as_a_name_can_be() {
    let folder = Folder::new("long");
    let path = folder.0.join("n".repeat(255));
    write(&path, "new").unwrap();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "new");
}

/// Once the new file is in place, a folder that cannot be brought to the disk is no failure. Here it cannot even be
/// opened, unless the test runs as root.
#[cfg(unix)]
#[test]
fn a_folder_that_cannot_be_synced_fails_nothing() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new("sync");
    let inner = folder.0.join("inner");
    std::fs::create_dir(&inner).unwrap();
    std::fs::set_permissions(&inner, PermissionsExt::from_mode(0o300)).unwrap();
    let written = write(&inner.join("file"), "new");
    std::fs::set_permissions(&inner, PermissionsExt::from_mode(0o700)).unwrap();
    written.unwrap();
    assert_eq!(std::fs::read_to_string(inner.join("file")).unwrap(), "new");
}

#[cfg(target_os = "linux")]
#[test]
fn what_a_killed_process_left_is_removed_and_nothing_else() {
    let folder = Folder::new("left");
    let path = folder.0.join("file");
    let mut child = std::process::Command::new("true").spawn().unwrap();
    let gone = child.id();
    child.wait().unwrap();
    let prefix = format!(".mbrl-{:08x}-", crc32fast::hash(b"file"));
    let part = |prefix: &str, pid| format!("{prefix}{pid}-0123456789abcdef-0.part");
    let left = [part(&prefix, gone), part(&prefix, std::process::id())];
    let others = [
        part(&prefix, 1),
        part(".mbrl-00000000-", gone),
        format!("{prefix}{gone}"),
        String::from("file.part"),
    ];
    for name in left.iter().chain(&others) {
        std::fs::write(folder.0.join(name), "half").unwrap();
    }
    write_aside(&path, |out| {
        // A second writer of the same file, before this one is done.
        write(&path, "second")?;
        out.write_all(b"first").map_err(Error::io)
    })
    .unwrap();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "first");
    let mut expected = others.to_vec();
    expected.push(String::from("file"));
    expected.sort_unstable();
    assert_eq!(folder.files(), expected);
    // Of a process that runs, or is said to: left alone for a day.
    let old = std::fs::File::options().write(true).open(folder.0.join(&others[0])).unwrap();
    let day = std::time::Duration::from_secs(86_400);
    old.set_modified(old.metadata().unwrap().modified().unwrap() - day).unwrap();
    write(&path, "third").unwrap();
    assert!(!folder.files().contains(&others[0]) && folder.files().contains(&others[1]));
}

/// Many at once: whoever reads finds one of them, whole.
#[test]
fn writers_at_once_are_kept_apart() {
    let folder = Folder::new("threads");
    let path = folder.0.join("file");
    let texts = ["a", "b", "c", "d"].map(|text| text.repeat(100_000));
    write(&path, &texts[0]).unwrap();
    std::thread::scope(|scope| {
        for text in &texts {
            let path = &path;
            scope.spawn(move || (0..20).for_each(|_| write(path, text).unwrap()));
        }
        for _ in 0..200 {
            assert!(texts.contains(&std::fs::read_to_string(&path).unwrap()));
        }
    });
    assert_eq!(folder.files(), ["file"]);
}
