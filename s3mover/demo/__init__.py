"""The demonstration: sample documents and an embedded S3 server with two accounts. Only `s3mover demo` uses it."""
