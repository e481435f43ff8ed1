"""Tests of the measuring and the chaos: a judge who cannot find anyone guilty is no judge."""
