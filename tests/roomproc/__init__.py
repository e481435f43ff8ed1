"""Tests of `roomproc`."""
