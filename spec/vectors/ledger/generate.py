#!/usr/bin/env python3
"""Writes the ledger vectors from spec/03-ledger.md alone: hashlib for the tree, the openssl program for Ed25519.

It shares no code with the node. Run it in this folder; Ed25519 is deterministic, so the files come out the same.
"""
import base64, hashlib, json, subprocess, tempfile

sha = lambda b: hashlib.sha256(b).digest()
b64 = lambda b: base64.b64encode(b).decode()
MAX = 2**63 - 1


# 1 commitments
def commitment(label, salt, digest):
    fields = [b"rogatory/commitment/v1", label.encode(), salt, digest]
    return sha(b"".join(len(f).to_bytes(8, "big") + f for f in fields))


# 2 tree, in the recursive words of RFC 6962
leaf_hash = lambda data: sha(b"\0" + data)
parent = lambda left, right: sha(b"\1" + left + right)


def split(n):
    k = 1
    while 2 * k < n:
        k *= 2
    return k


def root(d):
    if not d:
        return sha(b"")
    if len(d) == 1:
        return d[0]
    k = split(len(d))
    return parent(root(d[:k]), root(d[k:]))


def path(m, d):
    if len(d) == 1:
        return []
    k = split(len(d))
    return path(m, d[:k]) + [root(d[k:])] if m < k else path(m - k, d[k:]) + [root(d[:k])]


def subproof(m, d, whole):
    if m == len(d):
        return [] if whole else [root(d)]
    k = split(len(d))
    if m <= k:
        return subproof(m, d[:k], whole) + [root(d[k:])]
    return subproof(m - k, d[k:], False) + [root(d[:k])]


# 3 keys, notes, checkpoints, cosignatures
class Key:
    def __init__(self, name, kind, seed):
        self.name, self.kind, self.seed = name, kind, seed
        der = bytes.fromhex("302e020100300506032b657004220420") + seed
        self.file = tempfile.NamedTemporaryFile(suffix=".der")
        self.file.write(der)
        self.file.flush()
        spki = subprocess.run(["openssl", "pkey", "-inform", "DER", "-in", self.file.name, "-pubout", "-outform", "DER"],
                              check=True, capture_output=True).stdout
        self.public = spki[-32:]
        self.id = sha(name.encode() + b"\n" + bytes([kind]) + self.public)[:4]
        self.vkey = f"{name}+{self.id.hex()}+{b64(bytes([kind]) + self.public)}"

    def sign(self, message):
        with tempfile.NamedTemporaryFile() as f:
            f.write(message)
            f.flush()
            return subprocess.run(["openssl", "pkeyutl", "-sign", "-keyform", "DER", "-inkey", self.file.name, "-rawin",
                                   "-in", f.name], check=True, capture_output=True).stdout

    def line(self, signature):
        return f"\u2014 {self.name} {b64(self.id + signature)}\n"

    def note(self, text):
        return text + "\n" + self.line(self.sign(text.encode()))

    def cosign(self, body, time):
        return self.line(time.to_bytes(8, "big") + self.sign(f"cosignature/v1\ntime {time}\n{body}".encode()))


def body(origin, size, r):
    return f"{origin}\n{size}\n{b64(r)}\n"


def tlog_proof(index, hashes, note, extra=None):
    lines = ["c2sp.org/tlog-proof@v1"] + ([f"extra {b64(extra)}"] if extra is not None else []) + [f"index {index}"]
    return "".join(line + "\n" for line in lines + [b64(h) for h in hashes]) + "\n" + note


def write(name, **content):
    with open(name, "w") as f:
        json.dump(content, f, indent=1, ensure_ascii=False)
        f.write("\n")


salts = [sha(b"salt %d" % n) for n in range(13)]
digests = [sha(b"event %d" % n) for n in range(13)]
leaves = [commitment("event", s, d) for s, d in zip(salts, digests)]
d = [leaf_hash(c) for c in leaves]
R = [root(d[:n]) for n in range(14)]
flip = lambda b, at=0: b[:at] + bytes([b[at] ^ 1]) + b[at + 1:]
log = Key("xa.log.rogatory", 1, sha(b"log key of XA"))
other = Key("xa.log.rogatory", 1, sha(b"another log key"))
witness = Key("xb.witness.rogatory", 4, sha(b"cosigner key of XB"))

# commitment.json
cases = [dict(name=f"leaf {n}", label="event", salt=b64(salts[n]), digest="sha256:" + digests[n].hex(),
              commitment=b64(leaves[n]), leaf_hash=b64(d[n]), opens=True) for n in range(13)]
base = dict(label="event", salt=b64(salts[0]), digest="sha256:" + digests[0].hex(), commitment=b64(leaves[0]),
            leaf_hash=b64(d[0]), opens=False)
empty = commitment("", salts[0], digests[0])
cases += [dict(base, name="an empty label is another commitment", label="", commitment=b64(empty), leaf_hash=b64(leaf_hash(empty)), opens=True),
          dict(base, name="another label does not open it", label="statement"),
          dict(base, name="another salt does not open it", salt=b64(salts[1])),
          dict(base, name="another digest does not open it", digest="sha256:" + digests[1].hex())]
write("commitment.json", cases=cases)

# tree.json
write("tree.json", leaves=[b64(c) for c in leaves], roots=[b64(r) for r in R])


# inclusion.json
def inc(name, index, size, expect, leaf=None, hashes=None, r=None):
    good = path(index, d[:size]) if size <= 13 and index < size else []
    return dict(name=name, leaf=b64(leaves[index] if leaf is None else leaf), index=index, size=size,
                hashes=[b64(h) for h in (good if hashes is None else hashes)],
                root=b64(R[size] if r is None else r), expect=expect)


p = path(5, d)
cases = [inc(f"leaf {i} of {n}", i, n, "ok") for i, n in [(0, 1), (0, 2), (1, 2), (2, 3), (3, 8), (5, 13), (8, 13), (12, 13)]]
cases += [
    inc("another leaf", 5, 13, "P-204", leaf=leaves[6]),
    inc("another root", 5, 13, "P-204", r=R[12]),
    inc("one bit of the first hash", 5, 13, "P-204", hashes=[flip(p[0])] + p[1:]),
    inc("one bit of the last hash", 5, 13, "P-204", hashes=p[:-1] + [flip(p[-1], 31)]),
    inc("two hashes in the other order", 5, 13, "P-204", hashes=[p[1], p[0]] + p[2:]),
    inc("the proof of another index", 5, 13, "P-204", hashes=path(6, d)),
    inc("one hash too few", 5, 13, "P-203", hashes=p[:-1]),
    inc("one hash too many", 5, 13, "P-203", hashes=p + [d[0]]),
    inc("no hash in a tree of two", 0, 2, "P-203", hashes=[]),
    inc("a hash in a tree of one", 0, 1, "P-203", hashes=[d[1]]),
    inc("an index that is the size", 5, 5, "P-202"),
    inc("an empty tree", 0, 0, "P-202"),
    inc("65 hashes", 5, 13, "P-201", hashes=[d[0]] * 65),
]
write("inclusion.json", cases=cases)


# consistency.json
def con(name, old, new, expect, hashes=None, old_root=None, new_root=None):
    good = subproof(old, d[:new], True) if 0 < old <= new else []
    return dict(name=name, old_size=old, old_root=b64(R[old] if old_root is None else old_root), new_size=new,
                new_root=b64(R[new] if new_root is None else new_root),
                hashes=[b64(h) for h in (good if hashes is None else hashes)], expect=expect)


p = subproof(6, d, True)
cases = [con(f"from {o} to {n}", o, n, "ok") for o, n in [(1, 2), (2, 3), (3, 4), (4, 8), (6, 13), (7, 13), (8, 13), (12, 13), (13, 13), (0, 13), (0, 0)]]
cases += [
    con("one bit of the first hash", 6, 13, "P-206", hashes=[flip(p[0])] + p[1:]),
    con("one bit of the last hash", 6, 13, "P-204", hashes=p[:-1] + [flip(p[-1])]),
    con("another older root", 6, 13, "P-206", old_root=R[5]),
    con("another newer root", 6, 13, "P-204", new_root=R[12]),
    con("the older size one less", 5, 13, "P-203", hashes=p, old_root=R[6]),
    con("one hash too few", 6, 13, "P-203", hashes=p[:-1]),
    con("one hash too many", 6, 13, "P-203", hashes=p + [d[0]]),
    con("no hash", 6, 13, "P-203", hashes=[]),
    con("no hash from a power of two", 8, 13, "P-203", hashes=[]),
    con("the log shrank", 13, 12, "P-205", hashes=[]),
    con("two roots for one size", 13, 13, "P-204", new_root=R[12], hashes=[]),
    con("a hash where none belongs", 13, 13, "P-203", hashes=[d[0]]),
    con("a hash from the empty tree", 0, 13, "P-203", hashes=[d[0]]),
    con("an empty tree with another root", 0, 13, "P-206", old_root=R[1], hashes=[]),
    con("65 hashes", 6, 13, "P-201", hashes=[d[0]] * 65),
]
write("consistency.json", cases=cases)

# checkpoint.json
head = body(log.name, 13, R[13])
good = log.note(head)
sigline = good.split("\n\n")[1]
ckp = lambda name, note, expect, key=log: dict(name=name, vkey=key.vkey, note=note, expect=expect)
unknown = "\u2014 somebody.example/else AAAAAAA=\n"
cases = [
    ckp("a head of 13 leaves", good, "ok"),
    ckp("the head of an empty log", log.note(body(log.name, 0, R[0])), "ok"),
    ckp("with an extension line", log.note(head + "an extension line\n"), "ok"),
    ckp("with a line by an unknown key", good + unknown, "ok"),
    ckp("with a cosignature", good + witness.cosign(head, 1794000000), "ok"),
    ckp("another size", good.replace("\n13\n", "\n14\n"), "P-234"),
    ckp("another key with the same name", good, "P-233", other),
    ckp("a valid and an invalid line by the key", good + log.line(flip(log.sign(head.encode()))), "P-234"),
    ckp("only an unknown key", head + "\n" + unknown, "P-233"),
    ckp("another origin", log.note(body("xb.log.rogatory", 13, R[13])), "P-235"),
    ckp("a leading zero", log.note(head.replace("\n13\n", "\n013\n")), "P-231"),
    ckp("a size above 2^63-1", log.note(body(log.name, MAX + 1, R[13])), "P-231"),
    ckp("two lines", log.note(f"{log.name}\n13\n"), "P-230"),
    ckp("a root of 31 bytes", log.note(f"{log.name}\n13\n{b64(R[13][:31])}\n"), "P-200"),
    ckp("an empty extension line", log.note(head + "\nmore\n"), "P-232"),
    ckp("no signature", head, "P-223"),
    ckp("no final newline", good[:-1], "P-221"),
    ckp("a hyphen for the dash", good.replace("\u2014", "-"), "P-224"),
    ckp("base64 without padding", good.replace("=\n", "\n", 2).replace(b64(R[13])[:-1] + "\n", b64(R[13]) + "\n"), "P-224"),
    ckp("a carriage return", good.replace("\n13\n", "\r\n13\r\n"), "P-222"),
    ckp("17 signatures", good + unknown * 16, "P-225"),
]
write("checkpoint.json", cases=cases)

# cosignature.json
line = witness.cosign(head, 1794000000)
cos = lambda name, text, expect, b=head, key=witness: dict(name=name, vkey=key.vkey, body=b, line=text, expect=expect)
raw = base64.b64decode(line.split()[2])
relined = lambda r: f"\u2014 {witness.name} {b64(r)}\n"
cases = [
    cos("a cosignature", line, 1794000000),
    cos("at time 0", witness.cosign(head, 0), 0),
    cos("at the latest time", witness.cosign(head, MAX), MAX),
    cos("over an extension line", witness.cosign(head + "an extension line\n", 5), 5, head + "an extension line\n"),
    cos("another body", line, "P-241", body(log.name, 12, R[12])),
    cos("another time", relined(raw[:4] + flip(raw[4:12], 7) + raw[12:]), "P-241"),
    cos("one bit of the signature", relined(flip(raw, 20)), "P-241"),
    cos("a time above 2^63-1", relined(raw[:4] + (MAX + 1).to_bytes(8, "big") + raw[12:]), "P-242"),
    cos("an ordinary note signature", witness.line(witness.sign(head.encode())), "P-242"
        if witness.sign(head.encode())[0] >= 128 else "P-241"),
    cos("another key id", relined(flip(raw)), "P-240"),
    cos("another name", line.replace("xb.", "xc."), "P-240"),
    cos("cut short", relined(raw[:-1]), "P-241"),
    cos("not a checkpoint", witness.line((5).to_bytes(8, "big") + witness.sign(b"cosignature/v1\ntime 5\nhello\n")), "P-230", "hello\n"),
]
write("cosignature.json", cases=cases)

# tlog-proof.json
p = path(5, d)
full = good + line
tp = lambda name, text, expect, leaf=5: dict(name=name, leaf=b64(leaves[leaf]), log=log.vkey, cosigner=witness.vkey,
                                             text=text, expect=expect)
text = tlog_proof(5, p, full)
cases = [
    tp("leaf 5 of 13, cosigned", text, 1794000000),
    tp("with extra data", tlog_proof(5, p, full, b"beside"), 1794000000),
    tp("the only leaf", tlog_proof(0, [], log.note(body(log.name, 1, R[1])) + witness.cosign(body(log.name, 1, R[1]), 7)), 7, 0),
    tp("not cosigned", tlog_proof(5, p, good), "P-240"),
    tp("another leaf", text, "P-204", 6),
    tp("another index", tlog_proof(4, p, full), "P-204"),
    tp("an index outside the tree", tlog_proof(13, p, full), "P-202"),
    tp("one hash too few", tlog_proof(5, p[:-1], full), "P-203"),
    tp("another checkpoint of the log", tlog_proof(5, p, log.note(body(log.name, 12, R[12]))), "P-204"),
    tp("a checkpoint by another key", tlog_proof(5, p, other.note(head)), "P-233"),
    tp("a bad cosignature", tlog_proof(5, p, good + relined(flip(raw, 20))), "P-241"),
    tp("another version", text.replace("@v1", "@v2"), "P-251"),
    tp("a leading zero", text.replace("index 5", "index 05"), "P-253"),
    tp("the extra line after the index", text.replace("index 5", "index 5\nextra AAAA"), "P-200"),
    tp("an extra line that is not base64", text.replace("index 5", "extra ?\nindex 5"), "P-252"),
    tp("no checkpoint", text.split("\n\n")[0] + "\n", "P-254"),
    tp("65 hashes", tlog_proof(5, [d[0]] * 65, full), "P-201"),
]
write("tlog-proof.json", cases=cases)

# key.json
key = lambda name, vkey, kind, expect: dict(name=name, vkey=vkey, kind=kind, expect=expect)
cases = [
    dict(key("the log of XA", log.vkey, "log", "ok"), seed=b64(log.seed)),
    dict(key("the cosigner of XB", witness.vkey, "cosigner", "ok"), seed=b64(witness.seed)),
    key("a cosigner's key as a log's", witness.vkey, "log", "P-212"),
    key("a log's key as a cosigner's", log.vkey, "cosigner", "P-212"),
    key("another id", log.vkey.replace(log.id.hex(), flip(log.id).hex()), "log", "P-214"),
    key("another name", log.vkey.replace("xa.", "xb."), "log", "P-214"),
    key("an id in capitals", log.vkey.replace(log.id.hex(), log.id.hex().upper()), "log", "P-211"),
    key("no id", f"{log.name}+{b64(bytes([1]) + log.public)}", "log", "P-211"),
    key("an empty name", log.vkey[len(log.name):], "log", "P-210"),
    key("a space in the name", log.vkey.replace("xa.", "xa "), "log", "P-210"),
    key("a key of 31 bytes", f"{log.name}+{log.id.hex()}+{b64(bytes([1]) + log.public[:31])}", "log", "P-213"),
    key("the neutral point", f"{log.name}+{log.id.hex()}+{b64(bytes([1, 1]) + bytes(31))}", "log", "P-213"),
]
write("key.json", cases=cases)
