"""The status page: one HTML document rendered from what `/status` returns."""
