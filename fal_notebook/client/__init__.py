"""A request and its result, from Python: the kernel's session with its I/O thread, the stream, the waiting.

It may import everything but what needs a notebook: display, prompt and magic. Begin with `api`, then `sessions` and
`streaming`.
"""
