//! Files: equal after loading, and refused after any damage.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use common::{DIMS, filled, push, with_row};
use mbrl_buffer::{
    Dims, End, Key, Origin, PrioritizedBuffer, PrioritizedConfig, ReplayBuffer, Result, Transition,
    TransitionBatch,
};
use std::io::{self, Read, Write};

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
    let mut unordered = ReplayBuffer::unordered(DIMS, 5).unwrap();
    buffers.push(unordered.clone());
    // The same rows, but for what may come after them.
    (0..7).for_each(|serial| push(&mut unordered, serial, End::Truncated));
    assert_ne!(unordered, filled(5, 7, 1, End::Truncated));
    (7..9).for_each(|serial| push(&mut unordered, serial, End::Running));
    buffers.push(unordered);
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
    assert_eq!(
        text,
        "this is no file of a replay buffer: it begins with \"mbrlprio\", as a PrioritizedBuffer's does: load it as one"
    );
    // Another version that is whole, and one that is a damaged byte: only the first is for another build.
    let mut newer = saved(&filled(4, 7, 3, End::Truncated));
    newer[8] = 2;
    assert!(error(&newer).is_corrupt());
    let crc = crc32fast::hash(&newer[..12]);
    newer[12..16].copy_from_slice(&crc.to_le_bytes());
    assert!(error(&newer).is_version());
    assert_eq!(
        error(&newer).to_string(),
        "the file of a replay buffer has format version 2 and this build reads 1: use the build that wrote it"
    );
}

/// Bytes whose checksum, at their end, is right.
fn sealed(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes.extend(crc32fast::hash(&bytes).to_le_bytes());
    bytes
}

/// A file whose checksums are right and whose contents are not.
fn forged(header: [u32; 6], words: &[u32]) -> Vec<u8> {
    forged_after(Vec::new(), header, words)
}

fn forged_after(before: Vec<u8>, header: [u32; 6], words: &[u32]) -> Vec<u8> {
    let opening = sealed([&before[..], b"mbrlring\x01\0\0\0"].concat());
    let header = sealed([&opening[..], header.map(u32::to_le_bytes).as_flattened()].concat());
    let words: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    sealed([header, words].concat())
}

/// The same with priorities: α, β, ε and the largest one; the id of the next row; one weight a row.
fn forged_priorities(
    config: [f64; 4],
    next_id: u64,
    weights: &[f64],
    header: [u32; 6],
    words: &[u32],
) -> Vec<u8> {
    let opening = sealed(b"mbrlprio\x01\0\0\0".to_vec());
    let config = config.map(|number| number.to_bits().to_le_bytes());
    let rows = (weights.len() as u32).to_le_bytes();
    let head = sealed([&opening[..], config.as_flattened(), &next_id.to_le_bytes(), &rows].concat());
    let weights: Vec<u8> = weights.iter().flat_map(|weight| weight.to_bits().to_le_bytes()).collect();
    forged_after(sealed([head, weights].concat()), header, words)
}

#[test]
fn forgeries_are_refused() {
    // Widths 0 and 0: a row is reward, tag, origin.
    let load = |header, words: &[u32]| ReplayBuffer::load(&forged(header, words)[..]);
    let row = [0, 1 << 2, u32::MAX];
    assert!(load([0, 0, 1, 4, 1, 0], &row).is_ok());
    for (what, header) in [
        ("a cut where rows continue nothing", [0, 0, 0, 4, 1, 1]),
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
    // Where rows continue nothing each is the first of its episode.
    assert!(load([0, 0, 0, 4, 2, 0], &[0, 1 << 2, 0, 0, 1 << 2, 0]).unwrap().is_unordered());
    for words in [[0, 1 << 2, 0, 0, 2 << 2, 0], [0, 2 << 2, 0, 0, 1 << 2, 0]] {
        assert_refused(load([0, 0, 0, 4, 2, 0], &words), "a row that continues another all the same");
    }
}

#[test]
fn forged_priorities_are_refused() {
    let (header, row) = ([0, 0, 1, 4, 1, 0], [0, 1 << 2, u32::MAX]);
    let load = |config, next_id, weights: &[f64]| {
        PrioritizedBuffer::load(&forged_priorities(config, next_id, weights, header, &row)[..])
    };
    let good = [0.6, 0.4, 0.0, 1.0];
    let mut loaded = load(good, 7, &[1.0]).unwrap();
    let with = |at: usize, value| {
        let mut config = good;
        config[at] = value;
        config
    };
    for (what, file) in [
        ("an alpha that is none", load(with(0, 2.0), 7, &[1.0])),
        ("a largest priority that no update takes", load(with(3, 1e308), 7, &[1.0])),
        ("a largest priority that is no number", load(with(3, f64::NAN), 7, &[1.0])),
        ("a largest priority below the first", load(with(3, 0.5), 7, &[1.0])),
        ("a weight that is none", load(good, 7, &[-1.0])),
        ("a weight that no tree holds", load(good, 7, &[1e308])),
        ("weights for more rows than there are", load(good, 7, &[1.0, 1.0])),
        ("fewer ids than rows", load(good, 0, &[1.0])),
    ] {
        assert!(file.as_ref().is_err_and(|error| error.to_string().len() < 300), "{what}: {file:?}");
        assert_refused(file, what);
    }
    // The largest that is sound, with which a row can still be pushed.
    let mut largest = load(with(3, 2.0 * f64::from(f32::MAX)), 7, &[1.0]).unwrap();
    for buffer in [&mut loaded, &mut largest] {
        let step = Transition {
            obs: &[],
            act: &[],
            next_obs: &[],
            reward: 0.0,
            end: End::Running,
            origin: Origin::World,
        };
        buffer.push(step).unwrap();
        assert!(buffer.rows().len() == 2 && buffer.weight(1) >= 1.0);
    }
}

/// Memory that a file asks for is not taken before its rows arrive.
#[cfg(target_os = "linux")]
#[test]
fn a_small_file_takes_little_memory() {
    let resident = || {
        let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
        pages.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
    };
    let file = forged_priorities([0.6, 0.4, 0.0, 1.0], 0, &[], [0, 0, 1, 50_000_000, 0, 0], &[]);
    assert!(file.len() < 200);
    let before = resident();
    let buffer = PrioritizedBuffer::load(&file[..]).unwrap();
    let taken = resident().saturating_sub(before);
    assert_eq!(buffer.rows().capacity(), 50_000_000);
    assert!(taken < 200 << 20, "{taken} bytes");
}

/// A stream that says how much of it was read, and in how many pieces.
struct Counted<'a> {
    from: &'a [u8],
    read: usize,
    pieces: usize,
}

impl Read for Counted<'_> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let n = self.from.read(bytes)?;
        (self.read, self.pieces) = (self.read + n, self.pieces + 1);
        Ok(n)
    }
}

#[test]
fn several_buffers_share_a_stream() {
    let (a, b, c) = (filled(4, 7, 3, End::Truncated), prioritized(), filled(3000, 5000, 7, End::Terminated));
    let mut stream = Vec::new();
    a.write_to(&mut stream).unwrap();
    b.write_to(&mut stream).unwrap();
    let at = stream.len();
    c.write_to(&mut stream).unwrap();
    stream.extend(b"and more");
    assert_eq!(at, saved(&a).len() + saved_prioritized(&b).len());
    let mut from = Counted { from: &stream, read: 0, pieces: 0 };
    assert_eq!(ReplayBuffer::read_from(&mut from).unwrap(), a);
    assert_eq!(from.read, saved(&a).len());
    assert_eq!(PrioritizedBuffer::read_from(&mut from).unwrap(), b);
    assert_eq!(from.read, at);
    assert_eq!(ReplayBuffer::read_from(&mut from).unwrap(), c);
    let mut rest = Vec::new();
    from.read_to_end(&mut rest).unwrap();
    assert_eq!(rest, b"and more");
    // Large pieces, of priorities too, so that a stream without a buffer will do.
    let large = PrioritizedBuffer::new(c, PrioritizedConfig::default()).unwrap();
    let file = saved_prioritized(&large);
    let mut from = Counted { from: &file, read: 0, pieces: 0 };
    assert_eq!(PrioritizedBuffer::read_from(&mut from).unwrap(), large);
    assert!(from.pieces < 40, "{}", from.pieces);
    assert!(ReplayBuffer::load(&mut &stream[..]).unwrap_err().is_corrupt());
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
