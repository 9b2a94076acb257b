"""``%%falstream`` and ``%falstream``: the line and the cell read, the request made, shown and kept.

It may import everything but ``local``, and nothing imports it but the loading of the extension. Begin with `magics`,
then `cell`.
"""
