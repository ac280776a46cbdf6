"""Assembly: the only package where parts are built from settings and connected."""
