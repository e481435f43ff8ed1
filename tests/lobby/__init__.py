"""Tests of `lobby`."""
