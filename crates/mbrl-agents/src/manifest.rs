//! What made a run, beside its configuration.

use serde::{Deserialize, Serialize};

/// What made a run, as it stands in its `manifest.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The build and the machine that began it.
    pub build: Build,
    /// The commit that the build is of, where whoever began the run knew it.
    pub git: Option<String>,
    /// How many threads there were to compute with. The numbers do not depend on it; the time that they took does.
    pub threads: usize,
    /// What all randomness grew from.
    pub seed: u64,
    /// How often the run was resumed.
    pub resumes: u64,
    /// Whether the metrics are those that a run never interrupted would have written, to the byte. They may not be where
    /// the environment could not be brought back to where it was, or where another build or machine went on.
    pub exact_resume: bool,
}

/// What bits depend on, beside configuration and seed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Build {
    /// The version of this crate.
    pub version: String,
    /// The compiler.
    pub rustc: String,
    /// What it compiled for: architecture and operating system.
    pub target: String,
    /// The instruction sets of the processor that kernels choose from when they run.
    pub instruction_sets: Vec<String>,
}

impl Manifest {
    /// Of a run that begins here and now.
    pub fn new(seed: u64) -> Self {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        Manifest { build: Build::current(), git: None, threads, seed, resumes: 0, exact_resume: true }
    }
}

impl Build {
    /// Of the program that is running, on the machine that it is running on.
    pub fn current() -> Self {
        Build {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            rustc: env!("MBRL_RUSTC").to_owned(),
            target: env!("MBRL_TARGET").to_owned(),
            instruction_sets: instruction_sets(),
        }
    }

    /// In what this differs from `other`, in words; `None` where they are alike.
    pub(crate) fn difference(&self, other: &Build) -> Option<String> {
        let pairs = [
            ("version", &self.version, &other.version),
            ("compiler", &self.rustc, &other.rustc),
            ("target", &self.target, &other.target),
            ("processor", &self.instruction_sets.join(" "), &other.instruction_sets.join(" ")),
        ]
        .map(|(what, a, b)| (a != b).then(|| format!("{what}: {a}, and now {b}")));
        let differences: Vec<String> = pairs.into_iter().flatten().collect();
        (!differences.is_empty()).then(|| differences.join("; "))
    }
}

#[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
fn instruction_sets() -> Vec<String> {
    let sets = [
        ("avx", std::is_x86_feature_detected!("avx")),
        ("avx2", std::is_x86_feature_detected!("avx2")),
        ("fma", std::is_x86_feature_detected!("fma")),
        ("avx512f", std::is_x86_feature_detected!("avx512f")),
        ("avx512bw", std::is_x86_feature_detected!("avx512bw")),
        ("avx512vl", std::is_x86_feature_detected!("avx512vl")),
        ("avx512dq", std::is_x86_feature_detected!("avx512dq")),
        ("avx512cd", std::is_x86_feature_detected!("avx512cd")),
    ];
    sets.iter().filter(|(_, there)| *there).map(|(name, _)| (*name).to_owned()).collect()
}

/// Elsewhere the target says it all.
#[cfg(not(any(target_arch = "x86", target_arch = "x86_64")))]
fn instruction_sets() -> Vec<String> {
    Vec::new()
}
