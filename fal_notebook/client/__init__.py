"""Sends requests from Python and returns their results: sessions, the I/O thread, streams, waiting.

This wing may import everything that needs no notebook: not display, prompt or magic. Begin with `api`, then `sessions`
and `streaming`.
"""
