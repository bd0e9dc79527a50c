//! Resident memory of a process, as the kernel counts it.

use anyhow::Context as _;
use serde::Serialize;

/// `VmRSS` and `VmHWM` of `/proc/<pid>/status`, in KiB.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Resident {
    pub(crate) now_kib: u64,
    pub(crate) peak_kib: u64,
}

impl Resident {
    pub(crate) fn of(process: u32) -> anyhow::Result<Self> {
        let path = format!("/proc/{process}/status");
        let text = std::fs::read_to_string(&path).with_context(|| format!("`{path}`"))?;
        Self::read(&text).with_context(|| format!("`{path}` names no resident memory"))
    }

    fn read(status: &str) -> Option<Self> {
        let kib = |name: &str| {
            status.lines().find_map(|line| line.strip_prefix(name)?.trim().split(' ').next()?.parse().ok())
        };
        Some(Self { now_kib: kib("VmRSS:")?, peak_kib: kib("VmHWM:")? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_numbers_are_read_from_the_kernels_words() {
        let status = "Name:\trogatory\nVmHWM:\t   20480 kB\nVmRSS:\t   18000 kB\n";
        let resident = Resident::read(status).unwrap();
        assert_eq!((resident.now_kib, resident.peak_kib), (18_000, 20_480));
        assert!(Resident::read("Name:\tkthread\n").is_none());
    }
}
