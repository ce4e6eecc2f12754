"""Audit: what in the data spoils results, a finding a function; `check --audit` shows it."""
