"""What a notebook shows of a request while it streams, and what stays; each page's part lies beside its Python.

It may import the client and what is below it. Begin with `live`, which every cell goes through.
"""
