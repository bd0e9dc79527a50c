//! A ZIP file whose entries are stored as they are: what every archive program opens.

use std::{collections::BTreeMap, io::Write};

const LOCAL: u32 = 0x0403_4b50;
const CENTRAL: u32 = 0x0201_4b50;
const END: u32 = 0x0605_4b50;
/// Version 1.0 of the format is enough for entries that are not compressed.
const VERSION: u16 = 10;
/// Names are UTF-8 (general purpose bit 11).
const UTF8: u16 = 1 << 11;
/// 1980-01-01, the first day of the format: the same content gives the same bytes.
const DATE: u16 = 0x0021;

/// What does not fit into a ZIP file without the 64-bit extension.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooLarge;

/// The whole archive, or `TooLarge`.
pub(crate) fn stored(files: &BTreeMap<String, Vec<u8>>) -> Result<Vec<u8>, TooLarge> {
    let (mut out, mut central) = (Vec::new(), Vec::new());
    for (name, content) in files {
        let offset = u32::try_from(out.len()).map_err(|_| TooLarge)?;
        let entry = entry(name, content)?;
        put(&mut out, &[&LOCAL.to_le_bytes(), &entry, &0_u16.to_le_bytes(), name.as_bytes(), content]);
        put(&mut central, &[&CENTRAL.to_le_bytes(), &VERSION.to_le_bytes(), &entry]);
        // No extra field, no comment, one disk, no attributes.
        put(&mut central, &[&[0; 12], &offset.to_le_bytes(), name.as_bytes()]);
    }
    let offset = u32::try_from(out.len()).map_err(|_| TooLarge)?.to_le_bytes();
    let size = u32::try_from(central.len()).map_err(|_| TooLarge)?.to_le_bytes();
    let count = u16::try_from(files.len()).map_err(|_| TooLarge)?.to_le_bytes();
    put(&mut out, &[&central, &END.to_le_bytes(), &[0; 4], &count, &count, &size, &offset, &[0; 2]]);
    u32::try_from(out.len()).map(|_| out).map_err(|_| TooLarge)
}

/// What the local and the central header have in common, from the version needed to the length of the name.
fn entry(name: &str, content: &[u8]) -> Result<Vec<u8>, TooLarge> {
    let size = u32::try_from(content.len()).map_err(|_| TooLarge)?.to_le_bytes();
    let length = u16::try_from(name.len()).map_err(|_| TooLarge)?.to_le_bytes();
    let mut entry = Vec::with_capacity(24);
    put(&mut entry, &[&VERSION.to_le_bytes(), &UTF8.to_le_bytes(), &[0; 4], &DATE.to_le_bytes()]);
    put(&mut entry, &[&crc32(content).to_le_bytes(), &size, &size, &length]);
    Ok(entry)
}

fn put(out: &mut Vec<u8>, parts: &[&[u8]]) {
    for part in parts {
        let _ = out.write_all(part);
    }
}

/// CRC-32 as ZIP has it (ISO 3309, reflected polynomial).
fn crc32(bytes: &[u8]) -> u32 {
    let step =
        |crc: u32, byte: &u8| {
            (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
                if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 }
            })
        };
    !bytes.iter().fold(u32::MAX, step)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{fs, process::Command};

    #[test]
    fn the_checksum_is_the_one_of_the_standard() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
    }

    #[test]
    fn unzip_and_python_read_what_is_written() {
        let files = BTreeMap::from([
            ("README.txt".to_owned(), b"read me\n".to_vec()),
            ("a/b/empty".to_owned(), Vec::new()),
            ("a/bytes".to_owned(), (0..=255).collect()),
        ]);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.zip");
        fs::write(&path, stored(&files).unwrap()).unwrap();
        for (tool, words) in [("unzip", vec!["-tq"]), ("python3", vec!["-m", "zipfile", "-t"])] {
            if let Ok(done) = Command::new(tool).args(words).arg(&path).output() {
                assert!(done.status.success(), "{tool}: {}", String::from_utf8_lossy(&done.stderr));
            }
        }
        let to = folder.path().join("out");
        if let Ok(done) = Command::new("python3").args(["-m", "zipfile", "-e"]).arg(&path).arg(&to).output() {
            assert!(done.status.success());
            for (name, content) in &files {
                assert_eq!(fs::read(to.join(name)).unwrap(), *content, "{name}");
            }
        }
    }
}
