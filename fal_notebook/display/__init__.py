"""Shows an answer in a notebook, live while it streams and static afterwards.

This wing may import the client and what is below it. The JavaScript and CSS of a widget lie beside its Python module.
Begin with `live`, which every cell goes through.
"""
