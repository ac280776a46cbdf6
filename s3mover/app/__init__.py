"""The switchboard: the only place where real parts are plugged together from settings. Nothing is decided here."""
