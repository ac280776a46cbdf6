"""A lean S3 server for benchmarks alone: virtual objects, prebuilt answers, TLS, one thread.

It judges nothing: no signature, no permission, no condition, and bytes that arrive are counted and dropped. That
is what makes it cheap enough to stand beside what is measured on two cores; whether s3mover is right is tested
against `simulator/`, which judges everything and takes five times as long.
"""
