"""Tests of backups, and of the commands that write and restore them."""
