"""Helpers of the library itself: files, memory maps, random streams, checks of settings, HTML. Not a public API."""
