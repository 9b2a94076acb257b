"""Many requests: the rows that go in, the journal that keeps them on the disk, the table that comes out.

This wing may import everything that needs no notebook: not display, prompt or magic. Begin with `run`, then `journal`
and `engine`.
"""
