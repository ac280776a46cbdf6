"""TODO observe/page."""
