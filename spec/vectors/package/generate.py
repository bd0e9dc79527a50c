#!/usr/bin/env python3
"""Makes the packages of this folder anew with tools that are not ours: openssl, age, tar, sha256sum.

    python3 generate.py GOOD PLAIN     GOOD is an honest package (age-v1), PLAIN the folder `plain` opened from it.

It writes the `bad-*` packages: each is rightly listed, wrapped and signed by the sender, and has one thing wrong inside
the encryption, so that only a reader with the key can see it. `cases.json` has the changes that anybody can make.
"""
import hashlib, io, os, shutil, subprocess, sys, tarfile

good, plain = sys.argv[1], sys.argv[2]
HERE = os.path.dirname(os.path.abspath(__file__))
KEY = lambda name: os.path.join(HERE, "TEST-ONLY-" + name)


def run(*words, stdin=None):
    return subprocess.run(words, input=stdin, check=True, stdout=subprocess.PIPE).stdout


def members():
    """The members of the archive in their order, as (name, kind, bytes)."""
    yield "plain", tarfile.DIRTYPE, b""
    for name in ["bagit.txt", "bag-info.txt"]:
        yield "plain/" + name, tarfile.REGTYPE, open(os.path.join(plain, name), "rb").read()
    yield "plain/data", tarfile.DIRTYPE, b""
    for exhibit in sorted(os.listdir(os.path.join(plain, "data")), key=str.encode):
        yield "plain/data/" + exhibit, tarfile.DIRTYPE, b""
    paths = []
    for folder, _, files in os.walk(os.path.join(plain, "data")):
        paths += [os.path.relpath(os.path.join(folder, file), plain) for file in files]
    for path in sorted(paths, key=str.encode):
        yield "plain/" + path, tarfile.REGTYPE, open(os.path.join(plain, path), "rb").read()
    for name in ["manifest-sha256.txt", "case.jsonld", "custody.json", "tagmanifest-sha256.txt", "inner-signature.p7s"]:
        yield "plain/" + name, tarfile.REGTYPE, open(os.path.join(plain, name), "rb").read()


def archive(change):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, kind, data, link in change(list(members())):
            info = tarfile.TarInfo(name)
            info.type, info.size, info.linkname, info.mtime = kind, len(data), link, 1763193600
            info.mode = 0o755 if kind == tarfile.DIRTYPE else 0o644
            tar.addfile(info, io.BytesIO(data))
    # Two blocks of zeros end the archive; Python fills a whole record.
    body = out.getvalue().rstrip(b"\0")
    return body + b"\0" * (-len(body) % 512) + b"\0" * 1024


def package(name, bytes_):
    out = os.path.join(HERE, name)
    shutil.rmtree(out, ignore_errors=True)
    shutil.copytree(good, out)
    for file in os.listdir(os.path.join(out, "data")):
        os.remove(os.path.join(out, "data", file))
    key = run("age-keygen")
    secret = [line for line in key.splitlines() if line.startswith(b"AGE-SECRET-KEY")][0] + b"\n"
    recipient = run("age-keygen", "-y", stdin=secret).strip().decode()
    files = {"data/payload.age.000000": run("age", "-r", recipient, stdin=bytes_)}
    files["data/package-key.p7m"] = run(
        "openssl", "cms", "-encrypt", "-binary", "-aes-256-gcm", "-outform", "DER",
        "-recip", KEY("reader.pem"), "-keyopt", "ecdh_kdf_md:sha256", stdin=secret)
    for path, data in files.items():
        open(os.path.join(out, path), "wb").write(data)
    line = lambda path, data: hashlib.sha256(data).hexdigest() + "  " + path + "\n"
    info = open(os.path.join(good, "bag-info.txt")).read()
    oxum = f"Payload-Oxum: {sum(map(len, files.values()))}.{len(files)}\n"
    info = "".join(oxum if row.startswith("Payload-Oxum") else row for row in info.splitlines(True))
    tags = {"bag-info.txt": info.encode(), "bagit.txt": open(os.path.join(good, "bagit.txt"), "rb").read(),
            "manifest-sha256.txt": "".join(line(p, files[p]) for p in sorted(files)).encode()}
    tags["tagmanifest-sha256.txt"] = "".join(line(p, tags[p]) for p in sorted(tags)).encode()
    for path, data in tags.items():
        open(os.path.join(out, path), "wb").write(data)
    signature = run("openssl", "cms", "-sign", "-cades", "-binary", "-outform", "DER", "-md", "sha256",
                    "-signer", KEY("sender.pem"), "-inkey", KEY("sender.key"), stdin=tags["tagmanifest-sha256.txt"])
    open(os.path.join(out, "seal/signature.p7s"), "wb").write(signature)


def honest(found):
    return [(name, kind, data, "") for name, kind, data in found]


def before_manifest(found, *new):
    at = [name for name, _, _ in found].index("plain/manifest-sha256.txt")
    rows = honest(found)
    return rows[:at] + list(new) + rows[at:]


FILE = tarfile.REGTYPE
package("good-by-other-tools", archive(honest))
package("bad-path-climbs-out", archive(lambda f: before_manifest(f, ("plain/data/case/../../../evil", FILE, b"1", ""))))
package("bad-path-absolute", archive(lambda f: before_manifest(f, ("/tmp/evil", FILE, b"1", ""))))
package("bad-link", archive(lambda f: before_manifest(f, ("plain/data/case/яяя", tarfile.SYMTYPE, b"", "/etc/passwd"))))
package("bad-device", archive(lambda f: before_manifest(f, ("plain/data/case/яяя", tarfile.CHRTYPE, b"", ""))))
package("bad-twice", archive(lambda f: before_manifest(f, *[row for row in honest(f) if row[0].endswith("mailbox.mbox")])))
package("bad-not-listed", archive(lambda f: before_manifest(f, ("plain/data/case/яяя", FILE, b"1", ""))))
package("bad-changed", archive(lambda f: [
    (n, k, b"From somebody\n"[: len(d)] if n.endswith("mailbox.mbox") else d, "") for n, k, d in f]))
package("bad-cut", archive(honest)[:-512])
package("bad-bytes-after-the-end", archive(honest) + b"\0" * 512)
