//! Words that must not be in the code: unfinished work, hidden randomness, unsafe code and files outside their rooms.

use super::files::Source;

/// A word that is not wanted anywhere, and why.
const FORBIDDEN: &[(&str, &str)] = &[
    ("todo!(", "finish it or leave it out"),
    ("unimplemented!(", "finish it or leave it out"),
    ("#[ignore", "a test that is not run holds nothing"),
    ("rand::rng(", "randomness enters as a Key"),
    ("rand::random", "randomness enters as a Key"),
    ("thread_rng", "randomness enters as a Key"),
    ("from_os_rng", "randomness enters as a Key"),
    ("from_entropy", "randomness enters as a Key"),
    ("Tensor::randn", "candle's CPU generator cannot be seeded: fill a noise block"),
    ("Tensor::rand(", "candle's CPU generator cannot be seeded: fill a noise block"),
    ("VarMap", "its order differs from process to process: use the parameters of mbrl-nn"),
    ("SystemTime::now", "a library is handed a clock"),
];

/// The allocator of the tests, the yardstick, and the product of matrices.
const UNSAFE: &[&str] =
    &["crates/mbrl-testkit/src/alloc.rs", "crates/mbrl-testkit/src/gemm.rs", "crates/mbrl-nn/src/kernel.rs"];

/// The files of datasets, and the folder that keeps runs.
const FILES: &[&str] = &[
    "crates/mbrl-buffer/src/file.rs",
    "crates/mbrl-buffer/src/recording/",
    "crates/mbrl-buffer/src/write_aside.rs",
    "crates/mbrl-agents/src/store/",
];

/// A word that is wanted in some files of the libraries only, or in all of a folder, which ends with `/`.
const ROOMS: &[(&str, &[&str])] = &[
    ("unsafe {", UNSAFE),
    ("unsafe impl", UNSAFE),
    ("unsafe fn", UNSAFE),
    ("std::fs", FILES),
    ("std::env::", &[]),
];

/// Code blocks that are not run, in any document.
const FENCES: &[&str] = &["```ignore", "```no_run"];
/// This file, which has to spell the words out.
const HERE: &str = "xtask/src/tidy/words.rs";

pub(super) fn check(sources: &[Source]) -> Vec<String> {
    let mut complaints = Vec::new();
    for source in sources.iter().filter(|source| source.path != HERE) {
        for (i, line) in source.text.lines().enumerate() {
            if let Some(why) = unwanted(&source.path, line) {
                complaints.push(format!("{}:{}: {why}", source.path, i + 1));
            }
        }
    }
    complaints
}

/// Why a line should not be in this file.
fn unwanted(path: &str, line: &str) -> Option<String> {
    if let Some(fence) = FENCES.iter().find(|fence| line.contains(**fence)) {
        return Some(format!("`{fence}`: every example runs"));
    }
    if !path.ends_with(".rs") {
        return None;
    }
    if let Some((word, why)) = FORBIDDEN.iter().find(|(word, _)| line.contains(word)) {
        return Some(format!("`{word}`: {why}"));
    }
    let code = line.split("//").next().unwrap_or_default();
    if code.trim_end().ends_with(": ChaCha8Rng,") {
        return Some(
            "a field that is a generator: keep a Key, and make the generator where it is used".to_owned(),
        );
    }
    let library = path.starts_with("crates/") && path.contains("/src/");
    let is_in = |room: &&str| *room == path || (room.ends_with('/') && path.starts_with(*room));
    let outside = |(word, rooms): &&(&str, &[&str])| {
        code.contains(word) && !rooms.iter().any(is_in) && (library || word.starts_with("unsafe"))
    };
    let (word, rooms) = ROOMS.iter().find(outside)?;
    Some(format!(
        "`{word}` belongs in {}",
        if rooms.is_empty() { "the driver".to_owned() } else { rooms.join(", ") }
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_word_is_found_where_it_is_not_wanted() {
        let library = "crates/mbrl-core/src/key.rs";
        for line in [
            "    todo!()",
            "let x = rand::random::<f32>();",
            "    rng: ChaCha8Rng,",
            "use std::fs::File;",
            "let home = std::env::var(\"HOME\");",
            "unsafe { x.get_unchecked(0) }",
            "//! ```no_run",
        ] {
            assert!(unwanted(library, line).is_some(), "{line}");
        }
        for line in ["fn draw(rng: &mut ChaCha8Rng) {", "// unsafe { in words }", "let x = 1;"] {
            assert!(unwanted(library, line).is_none(), "{line}");
        }
        assert!(unwanted("crates/mbrl-core/README.md", "```ignore").is_some());
        assert!(unwanted("crates/mbrl-buffer/src/file.rs", "use std::fs::File;").is_none());
        assert!(unwanted("crates/mbrl-agents/src/store/journal.rs", "use std::fs::File;").is_none());
        assert!(unwanted("crates/mbrl-agents/src/trainer.rs", "use std::fs::File;").is_some());
        assert!(unwanted("xtask/src/main.rs", "std::env::args()").is_none());
    }
}
