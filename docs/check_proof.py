"""Checks what `s3mover audit prove KEY` printed, without s3mover: python3 check_proof.py PROOF.json [PUBLIC_KEY.pem]

Needs Python alone; the package cryptography only where a public key is given. docs/proof.md describes each step.
"""

import hashlib
import json
import sys


def sha256(*parts: bytes) -> bytes:
    return hashlib.sha256(b"".join(parts)).digest()


def canonical(values) -> bytes:
    texts = [None if value is None else str(value).encode() for value in values]
    return b"".join(b"-" if text is None else b"%d:%b," % (len(text), text) for text in texts)


def root_of(leaf: bytes, path) -> bytes:
    for side, sibling in path:
        pair = (bytes.fromhex(sibling), leaf) if side == "left" else (leaf, bytes.fromhex(sibling))
        leaf = sha256(b"\1", *pair)
    return leaf


proof = json.load(open(sys.argv[1], encoding="utf-8"))
content, part = proof["seal"]["content"].encode(), proof.get("range", {})
seal, leaf = json.loads(content), sha256(b"\0", canonical(proof["row"].values()))
if seal["kind"] == "amendment":
    assert leaf.hex() in [after for _, _, after in seal["changes"]], "the seal does not name this row"
else:
    assert root_of(leaf, proof["path"]).hex() == part["root"], "the row does not belong to the range"
    root = root_of(sha256(b"\0", canonical(part.values())), proof["range_path"])
    assert root.hex() == seal["root"], "the range does not belong to the seal"
if len(sys.argv) > 2:
    from cryptography.hazmat.primitives.serialization import load_pem_public_key as load

    load(open(sys.argv[2], "rb").read()).verify(bytes.fromhex(proof["seal"]["signature"]), content)
print(f"the row belongs to seal {seal['number']}, which has the hash {sha256(content).hex()}")
