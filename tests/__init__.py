"""Tests, mirroring the source. A package, so that modules of two packages may have the same name."""
