"""The magics ``%%falstream`` and ``%falstream``: they read line and cell, send the request, show and keep the answer.

This wing may import everything but ``local``. Only the loading of the extension imports it. Begin with `magics`, then
`cell`.
"""
