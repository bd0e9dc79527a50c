//! Every dependency of the workspace says what it is for.

/// Lines of `[workspace.dependencies]` in `manifest` without a comment; our own crates are exempt.
pub fn complaints(manifest: &str) -> Vec<String> {
    let section = manifest
        .lines()
        .enumerate()
        .skip_while(|(_, line)| line.trim() != "[workspace.dependencies]")
        .skip(1)
        .take_while(|(_, line)| !line.starts_with('['));
    let mut found = Vec::new();
    for (number, line) in section {
        let Some((name, rest)) = line.split_once('=') else { continue };
        if line.trim_start().starts_with('#') || rest.contains("path = ") {
            continue;
        }
        let comment = rest.rsplit_once('#').map_or("", |(_, comment)| comment);
        if comment.trim().is_empty() {
            found.push(format!("Cargo.toml:{}: `{}` does not say what it is for", number + 1, name.trim()));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dependency_that_does_not_say_what_it_is_for_is_named() {
        let manifest = "[workspace.dependencies]\n# ours\na = { path = \"a\" }\nb = \"1\" # why\nc = \"1\"\n[x]\nd = 1\n";
        assert_eq!(complaints(manifest), ["Cargo.toml:5: `c` does not say what it is for"]);
    }
}
