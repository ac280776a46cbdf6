"""An S3 simulator for tests, stricter than other S3 servers that run locally.

It checks signatures, permissions between accounts, conditions, checksums and the rules of multipart uploads as S3
does, injects faults on demand, serves objects of many TiB without memory, and answers several thousand requests a
second. It does not import s3mover, which is tested against it.

In a test::

    from simulator import Simulator

    with Simulator() as s3:                                   # a process of its own; tls=True for HTTPS
        source = s3.add_key("111111111111")                   # an account's root key: allowed all of its own
        reader = {"Effect": "Allow", "Principal": {"AWS": "222222222222"},
                  "Action": ["s3:GetObject*", "s3:ListBucket"],
                  "Resource": ["arn:aws:s3:::from", "arn:aws:s3:::from/*"]}
        s3.create_bucket("from", "111111111111", policy={"Statement": [reader]})
        s3.create_bucket("to", "222222222222")
        mover = s3.add_key("222222222222", "user/mover", [{"Statement": {
            "Effect": "Allow", "Action": "s3:*", "Resource": "*"}}])
        s3.put_object("from", "hello.txt", b"hello", tags={"a": "b"}, metadata={"k": "v"})
        s3.put_object("from", "huge", size=5 * 2**40)         # 5 TiB, virtual
        s3.fill("from", 100_000, size=1024, prefix="docs/")   # a hundred thousand at once
        s3.add_fault("slow_down", operation="CopyObject", probability=0.1, seed=1)
        ...                                                   # run s3mover against s3.endpoint
        assert s3.differences("from", "to") == []             # bytes and properties are equal
        assert s3.counts("to")["CopyObject"] == 100_002       # "CopyObject:SlowDown" counts the refused ones
        s3.log("CopyObject")[-1]                              # principal, key, status, code, missing permission ...

On the command line: `python -m simulator --objects 10000 --latency 30ms` prints `export` lines for a shell.

Buckets are addressed by path (`ENDPOINT/BUCKET/KEY`) or by a Host header `BUCKET.s3.localhost`.
Faults: `faults.FaultKind`, `faults.FaultRule`. Quirks of S3-compatible stores: `faults.QUIRKS`, set per bucket.
Signatures: only those in the Authorization header, with signed, chunk-signed, unsigned or trailer-checked bodies.
ETags of large objects that were not received in one body are synthetic (`content.py`), `md5-of-md5s-N` is always
computed from the parts' ETags, and bytes of virtual objects that come back by an upload are recognised and stay
virtual.
"""

from simulator.handle import Simulator, SimulatorKey

__all__ = ["Simulator", "SimulatorKey"]
