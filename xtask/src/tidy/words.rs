//! Words that must not be in the code: unfinished work, hidden randomness, unsafe code outside its rooms.

use super::files::Source;

/// A word, and why it is not wanted.
const FORBIDDEN: &[(&str, &str)] = &[
    ("todo!(", "finish it or leave it out"),
    ("unimplemented!(", "finish it or leave it out"),
    ("#[ignore", "a test that is not run holds nothing"),
    ("```ignore", "every example runs"),
    ("```no_run", "every example runs"),
    ("rand::rng(", "randomness enters as a Key"),
    ("thread_rng", "randomness enters as a Key"),
    ("from_os_rng", "randomness enters as a Key"),
    ("from_entropy", "randomness enters as a Key"),
    ("Tensor::randn", "candle's CPU generator cannot be seeded: fill a noise block"),
    ("Tensor::rand(", "candle's CPU generator cannot be seeded: fill a noise block"),
    ("VarMap", "its order differs from process to process: use the parameters of mbrl-nn"),
    ("SystemTime::now", "a library is handed a clock"),
];

/// This file, which has to spell the words out.
const HERE: &str = "xtask/src/tidy/words.rs";
/// The rooms of unsafe code.
const UNSAFE: &[&str] = &["crates/mbrl-testkit/src/alloc.rs"];

pub(super) fn check(sources: &[Source]) -> Vec<String> {
    let mut complaints = Vec::new();
    for Source { path, text } in
        sources.iter().filter(|source| source.path.ends_with(".rs") && source.path != HERE)
    {
        for (i, line) in text.lines().enumerate() {
            for (word, why) in FORBIDDEN.iter().filter(|(word, _)| line.contains(word)) {
                complaints.push(format!("{path}:{}: `{word}`: {why}", i + 1));
            }
            let code = line.split("//").next().unwrap_or_default();
            if (code.contains("unsafe {") || code.contains("unsafe impl") || code.contains("unsafe fn"))
                && !UNSAFE.contains(&path.as_str())
            {
                complaints.push(format!("{path}:{}: unsafe code lives in {}", i + 1, UNSAFE.join(", ")));
            }
        }
    }
    complaints
}
