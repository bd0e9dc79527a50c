"""What an office does by hand with `openssl cms`: sign, encrypt; decrypt, verify; sign a receipt; verify it.

Usage: cms_round.py COUNT BYTES FOLDER. Prints {"samples_ms": [...]}. Each step is a process; what each side must
keep (the sealed message, the opened message, the receipt on both sides) is synced to disk. Nothing is sent.
"""

import hashlib
import json
import os
import subprocess
import sys
import time


def openssl(*words):
    subprocess.run(["openssl", *words], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def durable(path):
    handle = os.open(path, os.O_RDWR)
    os.fsync(handle)
    os.close(handle)


def certify(name, exists=os.path.exists):
    if exists(f"{name}.crt"):
        return
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    openssl("req", "-x509", *curve, "-nodes", "-days", "30", "-subj", f"/CN={name}", "-keyout", f"{name}.key",
            "-out", f"{name}.crt")


def exchange(payload):
    with open("message", "wb") as file:
        file.write(payload)
    flags = ["-binary", "-outform", "DER"]
    openssl("cms", "-sign", *flags, "-nodetach", "-in", "message", "-signer", "a.crt", "-inkey", "a.key", "-out", "signed")
    openssl("cms", "-encrypt", *flags, "-aes-256-gcm", "-in", "signed", "-out", "sealed", "b.crt")
    durable("sealed")
    openssl("cms", "-decrypt", "-inform", "DER", "-in", "sealed", "-recip", "b.crt", "-inkey", "b.key", "-out", "inner")
    openssl("cms", "-verify", "-inform", "DER", "-in", "inner", "-CAfile", "a.crt", "-out", "opened")
    durable("opened")
    with open("sealed", "rb") as file:
        digest = hashlib.sha256(file.read()).hexdigest()
    with open("words", "w") as file:
        file.write(digest)
    openssl("cms", "-sign", *flags, "-nodetach", "-in", "words", "-signer", "b.crt", "-inkey", "b.key", "-out", "receipt")
    durable("receipt")
    openssl("cms", "-verify", "-inform", "DER", "-in", "receipt", "-CAfile", "b.crt", "-out", "said")
    with open("said") as file:
        if file.read() != digest:
            raise SystemExit("the receipt names another message")
    with open("receipt", "rb") as file, open("kept", "wb") as copy:
        copy.write(file.read())
    durable("kept")


def main():
    count, size = int(sys.argv[1]), int(sys.argv[2])
    os.chdir(sys.argv[3])
    certify("a")
    certify("b")
    samples = []
    for turn in range(count + 1):
        payload = os.urandom(size)
        began = time.perf_counter()
        exchange(payload)
        if turn >= 1:
            samples.append((time.perf_counter() - began) * 1000)
    print(json.dumps({"samples_ms": samples}))


if __name__ == "__main__":
    main()
