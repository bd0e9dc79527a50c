//! Changes one member of a package's archive and leaves the rest as it was.

/// The archive with the content of `member` replaced.
pub(crate) fn replace(tar: &[u8], member: &str, content: &[u8]) -> Vec<u8> {
    let (start, end) = span(tar, member);
    let mut header = tar[start..start + 512].to_vec();
    header[124..136].copy_from_slice(format!("{:011o}\0", content.len()).as_bytes());
    header[148..156].fill(b' ');
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    let padding = vec![0; content.len().next_multiple_of(512) - content.len()];
    [&tar[..start], &header, content, &padding, &tar[end..]].concat()
}

pub(crate) fn read(tar: &[u8], member: &str) -> Vec<u8> {
    let (start, _) = span(tar, member);
    tar[start + 512..start + 512 + size(&tar[start..])].to_vec()
}

/// From the header of a member to the next header.
fn span(tar: &[u8], member: &str) -> (usize, usize) {
    let mut at = 0;
    while tar[at] != 0 {
        let end = at + 512 + size(&tar[at..]).next_multiple_of(512);
        let name = tar[at..at + 100].split(|byte| *byte == 0).next().unwrap();
        if name == member.as_bytes() {
            return (at, end);
        }
        at = end;
    }
    panic!("the archive has no `{member}`");
}

fn size(header: &[u8]) -> usize {
    let digits = std::str::from_utf8(&header[124..135]).unwrap();
    usize::from_str_radix(digits.trim_matches(['\0', ' ']), 8).unwrap()
}
