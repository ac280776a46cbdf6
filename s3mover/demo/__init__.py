"""The demo's stage: sample documents and an embedded S3 server with two accounts. No part of a real run uses it."""
