//! How much memory the machine can still give.

use std::fs;

/// Bytes that may be taken without harm to others; nothing, where the machine does not say.
pub(crate) fn available() -> Option<u64> {
    let free = field(&fs::read_to_string("/proc/meminfo").ok()?, "MemAvailable")?;
    // A container may have less; what is in use there counts caches, so that it says nothing.
    let most = fs::read_to_string("/sys/fs/cgroup/memory.max").ok().and_then(|most| most.trim().parse().ok());
    Some(most.map_or(free, |most| free.min(most)))
}

/// A line of kibibytes, in bytes.
fn field(meminfo: &str, name: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    line.trim().strip_suffix(" kB")?.parse::<u64>().ok()?.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_read_in_bytes() {
        let meminfo = "MemTotal:       24602004 kB\nMemAvailable:   23047392 kB\nSwapFree: 0 kB\n";
        assert_eq!(field(meminfo, "MemAvailable"), Some(23_047_392 * 1024));
        assert_eq!(field(meminfo, "Mem"), None);
        assert_eq!(field("MemAvailable: many", "MemAvailable"), None);
    }
}
